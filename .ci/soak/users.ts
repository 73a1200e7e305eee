import { randomBytes } from 'node:crypto'
import { type Browser, createBrowser, linksOf, type Page } from '../../__tests__/support/jar.js'
import type { Seen } from './app.js'

/** What users and clients know of the world, and where they report. */
export interface World {
  readonly origin: string
  readonly providerOrigin: string
  readonly random: () => number
  readonly counts: Record<string, number>
  /** Whether Redis or the provider is down, or was a moment ago. */
  isOutage(): boolean
  /** Milliseconds since the last outage, its recovery included, has ended. */
  sinceOutage(): number
  violation(what: string): void
  revoke(handle: string): Promise<unknown>
}

/** One person with one browser, who does one thing after the other. */
export class User {
  readonly #name: string
  readonly #world: World
  readonly #browser: Browser
  #handle: string | undefined
  /** Whether the user does something already. */
  isBusy = false

  constructor(name: string, world: World) {
    this.#name = name
    this.#world = world
    this.#browser = createBrowser()
    this.#browser.setCookie(`who=${name}; Path=/`, world.providerOrigin)
  }

  get isSignedIn(): boolean {
    return this.#handle !== undefined
  }

  async signIn(): Promise<void> {
    let page = await this.#ask('/', { follow: 20 })
    // Sessions that ended right after their login look like a login loop.
    const [retry] = page?.body.includes('cookie_lost') === true ? linksOf(page) : []
    if (retry !== undefined)
      page = await this.#ask(retry.slice(this.#world.origin.length), { follow: 20 })
    if (page?.status === 200) this.#read(page)
    else this.#count('logins that an outage has cost', page)
    if (this.isSignedIn) this.#count('logins')
  }

  async act(): Promise<void> {
    if (!this.isSignedIn) return this.signIn()
    const dice = this.#world.random()
    if (dice < 0.95) await this.#visit()
    else if (dice < 0.98) await this.#end('signed out', () => this.#signOut())
    else await this.#end('revoked', () => this.#world.revoke(this.#handle ?? ''))
  }

  async #visit(): Promise<void> {
    const count = 1 + Math.floor(this.#world.random() * 3)
    const pages = await Promise.all(Array.from({ length: count }, () => this.#ask('/')))
    for (const page of pages) {
      if (page?.status === 200) {
        this.#read(page)
        this.#count('requests')
      } else if (page !== undefined && page.status < 500) {
        // An outage between the provider's response to a refresh and its write costs the session.
        this.#handle = undefined
        this.#count('requests of lost sessions')
      }
    }
  }

  #signOut() {
    return this.#ask('/auth/logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } })
  }

  /** A session that was ended never counts again. */
  async #end(how: string, ending: () => Promise<unknown>): Promise<void> {
    const before = this.#browser
      .cookies(`${this.#world.origin}/`)
      .map(({ key, value }) => `${key}=${value}`)
      .join('; ')
    const wasOutage = this.#world.isOutage()
    await ending()
    this.#handle = undefined
    this.#count(how)
    const page = await this.#ask('/', { headers: { Cookie: before } })
    // What could not be written has not happened, and was reported.
    if (page?.status === 200 && !wasOutage && !this.#world.isOutage())
      this.#world.violation(`${this.#name} is still signed in after being ${how}`)
  }

  /** `undefined` for a response that an outage explains. */
  async #ask(
    path: string,
    options: { follow?: number; headers?: Record<string, string> } = {},
  ): Promise<Page | undefined> {
    const { origin } = this.#world
    const wasOutage = this.#world.isOutage()
    const page = await this.#browser
      .get(origin + path, { follow: false, ...options })
      .catch(() => undefined)
    if (page !== undefined && page.status < 500) return page
    if (wasOutage || this.#world.isOutage()) this.#count('responses with 5xx during an outage')
    else
      this.#world.violation(
        `${this.#name} got ${page?.status ?? 'no response'} for ${path}: ${codeIn(page)}, ${this.#world.sinceOutage()} ms after an outage`,
      )
    return undefined
  }

  #read(page: Page): void {
    const { user, header, token, data, handle } = JSON.parse(page.body) as Seen
    const seen = [user, header, token?.split('.')[0], data]
    const own = [this.#name, this.#name, this.#name, `private data of ${this.#name}`]
    if (JSON.stringify(seen) !== JSON.stringify(own))
      this.#world.violation(`${this.#name} was taken for another: ${JSON.stringify(seen)}`)
    this.#handle = handle
  }

  /** What only an outage explains is a violation without one. */
  #count(what: string, page?: Page): void {
    const { counts } = this.#world
    counts[what] = (counts[what] ?? 0) + 1
    if (page !== undefined && !this.#world.isOutage())
      this.#world.violation(
        `${this.#name}: ${what} (${page.status}) ${codeIn(page)}, ${this.#world.sinceOutage()} ms after an outage`,
      )
  }
}

/** The code that an error page names. */
function codeIn(page: Page | undefined): string | undefined {
  return /[a-z]+(?:_[a-z]+)*_(?:unavailable|timeout|lost|failed|limited)/.exec(
    page?.body ?? '',
  )?.[0]
}

const id = () => randomBytes(32).toString('base64url')

/** A client without an account; `number` spreads what it does evenly. */
export async function visitWithoutAccount(number: number, world: World): Promise<void> {
  const kinds: [path: string, headers: Record<string, string>][] = [
    [`/page/${number}`, {}],
    ['/', { Cookie: `ngrok.session=${id()}` }],
    ['/', { Cookie: `x=${'A'.repeat(8000)}` }],
    ['/auth/authn', {}],
    [`/auth/callback?code=${id()}&state=${id()}`, {}],
    ['/api', { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors' }],
    [`/auth/${number}`, {}],
  ]
  const [path, headers] = kinds[number % kinds.length] ?? ['/', {}]
  const response = await fetch(world.origin + path, { redirect: 'manual', headers })
    .then(async (answer) => ({ status: answer.status, body: await answer.text() }))
    .catch(() => undefined)
  const { counts } = world
  counts['requests without an account'] = (counts['requests without an account'] ?? 0) + 1
  if (response?.status === 200) world.violation(`${path} was let in without an account`)
}

/** Many logins with made-up codes at once. */
export async function flood(size: number, world: World): Promise<void> {
  await Promise.all(
    Array.from({ length: size }, async () => {
      const browser = createBrowser()
      const start = await browser.get(`${world.origin}/`, { follow: false }).catch(() => undefined)
      const state = start?.location && new URL(start.location).searchParams.get('state')
      const query = new URLSearchParams({ code: 'junk', state: state || id() })
      const page = await browser
        .get(`${world.origin}/auth/callback?${query}`, { follow: false })
        .catch(() => undefined)
      if (page?.status === 302 && page.location === `${world.origin}/`)
        world.violation('a made-up code was accepted')
    }),
  )
  world.counts['floods'] = (world.counts['floods'] ?? 0) + 1
}
