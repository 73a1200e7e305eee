import type { OAuthModuleOptions } from '../../src/index.js'
import type {
  VendorEndpoint,
  VendorName,
  VendorOptions,
  VendorServer,
} from '../../src/dev/vendors/index.js'
import { logIn, setUp, type Setting } from './providers.js'
import { fakeDate } from './clock.js'
import type { Page } from './jar.js'

/** Headers of an API request, which is not a navigation. */
export const program = {
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
  Accept: 'application/json',
}

export const INTERVAL = 300

export interface Scene extends Setting {
  clock: ReturnType<typeof fakeDate>
  /** A visit of the logged-in browser that follows nothing. */
  visit(path?: string, headers?: Record<string, string | undefined>): Promise<Page>
  /** Requests to the provider since the login, or since the last count. */
  count(): Record<string, number>
}

export interface SceneSetup {
  provider?: Record<string, unknown>
  vendor?: VendorOptions
  options?: Partial<OAuthModuleOptions>
  start?: number
}

/** A logged-in user, under a clock that stands still. */
export async function loggedIn(
  name: VendorName,
  { provider = {}, vendor = {}, options = {}, start }: SceneSetup = {},
): Promise<Scene> {
  const clock = fakeDate(start)
  const setting = await setUp(name, provider, vendor, {
    authCheckInterval: INTERVAL,
    authCheckEarly: false,
    ...options,
  })
  const attempt = await logIn(setting)
  if (attempt.status !== 200) throw new Error(`no login: ${attempt.status} ${attempt.page.body}`)
  setting.vendor.requests.length = 0
  setting.gate.reached.length = 0
  return {
    ...setting,
    clock,
    visit: (path = '/', headers = {}) =>
      setting.browser.get(setting.gate.url(path), { follow: false, headers }),
    count() {
      const counts: Record<string, number> = {}
      for (const { endpoint } of setting.vendor.requests)
        counts[endpoint] = (counts[endpoint] ?? 0) + 1
      setting.vendor.requests.length = 0
      return counts
    },
  }
}

export function formsTo(vendor: VendorServer, endpoint: VendorEndpoint): Record<string, string>[] {
  return vendor.requests
    .filter((request) => request.endpoint === endpoint)
    .map(({ form = {} }) => form)
}

/** The `code` of an error page or of its JSON twin. */
export function codeOf(page: Pick<Page, 'body'>): string | undefined {
  if (page.body.startsWith('{')) return (JSON.parse(page.body) as { error?: string }).error
  return /<code[^>]*>\s*([a-z_]+)\s*<\/code>/.exec(page.body)?.[1]
}
