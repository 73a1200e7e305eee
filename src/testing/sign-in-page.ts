/** The methods of a page of Playwright that are used. */
export interface TestPage {
  /** Opens a URL. */
  goto(url: string): Promise<unknown>
  /** The URL that is open. */
  url(): string
  /** Finds elements. */
  locator(selector: string): TestLocator
  /** Waits until the page has this URL. */
  waitForURL(isExpected: (url: URL) => boolean): Promise<unknown>
}

/** Elements of a {@link TestPage}. */
export interface TestLocator {
  /** Those that contain a text. */
  filter(options: { hasText: string }): TestLocator
  /** The first one. */
  first(): TestLocator
  /** Clicks the element. */
  click(): Promise<void>
  /** Waits until the element exists. */
  waitFor(): Promise<void>
  /** The texts of all elements. */
  allInnerTexts(): Promise<string[]>
}

/** The user that `signIn()` logs in, and the app. */
export interface PageSignIn {
  /** The URL at which the app mounts the middleware. */
  baseURL: string
  /** The name or email address of a persona of the development provider. */
  user: string
  /** The option `basePath` of the middleware. Default `/auth`. */
  basePath?: string | undefined
  /** The name of the development provider, if the app has several providers. */
  provider?: string | undefined
}

/** Whether this is a page of Playwright. */
export function isPage(target: unknown): target is TestPage {
  return typeof (target as Partial<TestPage> | null)?.goto === 'function'
}

/** Starts a login, and chooses the persona on the page of the development provider. */
export async function signInPage(page: TestPage, options: PageSignIn): Promise<void> {
  const { baseURL, user, basePath = '/auth', provider } = options
  const query = provider === undefined ? '' : `?connection=${encodeURIComponent(provider)}`
  await page.goto(`${baseURL.replace(/\/$/, '')}${basePath}/authn${query}`)
  const personas = page.locator('a[href*="persona="]')
  await personas.first().waitFor()
  const names = await personas.allInnerTexts()
  if (!names.some((text) => text.includes(user)))
    throw new Error(
      `signIn(): the development provider has no persona ${JSON.stringify(user)}, but ${names.map((text) => JSON.stringify(text.split('\n')[0])).join(', ')}`,
    )
  await personas.filter({ hasText: user }).first().click()
  const { origin } = new URL(baseURL)
  await page.waitForURL((url) => url.origin === origin)
}
