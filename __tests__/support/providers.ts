import { expect } from '@jest/globals'
import {
  oauthModule,
  oauth2Provider,
  oidcProvider,
  type OAuthModuleOptions,
} from '../../src/index.js'
import {
  startVendor as start,
  type VendorEndpoint,
  type VendorName,
  type VendorOptions,
  type VendorRequest,
  type VendorServer,
} from '../../src/dev/vendors/index.js'
import { bodyOf, type Gate, type Seen, secret, startGate, stopping } from './gate.js'
import { type Browser, createBrowser, linksOf, type Page } from './jar.js'

type ProviderOption = OAuthModuleOptions['provider']
type Facts = Record<string, unknown>

export async function startVendor(
  name: VendorName,
  options?: VendorOptions,
): Promise<VendorServer> {
  return stopping(await start(name, options))
}

/** This vendor as the `provider` option; `more` are options of the provider. */
export function providerOf(
  vendor: VendorServer,
  more: Facts = {},
  name: string = vendor.vendor,
): ProviderOption {
  const options = { ...vendor.options, ...more }
  if (vendor.vendor === 'oidc') return { [name]: oidcProvider(options as never) }
  if (vendor.vendor === 'oauth2') return { [name]: oauth2Provider(options as never) }
  return { [name]: options }
}

/** An app behind a gate that logs in at this vendor. */
export function gateOf(
  vendor: VendorServer,
  more: Facts = {},
  options: Partial<OAuthModuleOptions> = {},
): Promise<Gate> {
  return startGate({ provider: providerOf(vendor, more), ...options })
}

export interface Setting {
  vendor: VendorServer
  gate: Gate
  browser: Browser
}

/** A vendor, an app behind a gate that logs in there, and a browser. */
export async function setUp(
  name: VendorName,
  more: Facts = {},
  vendorOptions: VendorOptions = {},
  options: Partial<OAuthModuleOptions> = {},
): Promise<Setting> {
  const vendor = await startVendor(name, vendorOptions)
  return { vendor, gate: await gateOf(vendor, more, options), browser: createBrowser() }
}

export interface Attempt {
  page: Page
  status: number
  /** The `code` of the error page, if it is one. */
  code: string | undefined
  /** What the app saw; throws when it saw nothing. */
  readonly seen: Seen
  readonly user: Record<string, unknown>
  /** The authorization request. */
  authorization: URLSearchParams
}

/** Logs in from the start to the page after it. */
export async function logIn(
  { gate, browser }: Pick<Setting, 'gate'> & { browser?: Browser },
  path = '/',
  headers: Record<string, string> = {},
): Promise<Attempt> {
  return attemptOf(await (browser ?? createBrowser()).get(gate.url(path), { headers }))
}

/** Headers of a user behind a proxy: error pages show no hints for developers. */
export const remote = { Via: '1.1 proxy.example' }

export function attemptOf(page: Page): Attempt {
  const authorize = page.history.find(({ headers }) =>
    /[?&]client_id=/.test(headers.location ?? ''),
  )
  return {
    page,
    status: page.status,
    code: /<code[^>]*>\s*([a-z_]+)\s*<\/code>/.exec(page.body)?.[1],
    authorization: new URLSearchParams(authorize?.headers.location?.split('?')[1]),
    get seen() {
      if (page.status !== 200) throw new Error(`${page.status} ${page.url} ${page.body}`)
      return bodyOf(page)
    },
    get user() {
      const { user } = this.seen
      if (user === null) throw new Error(`nobody is logged in: ${page.body}`)
      return user
    },
  }
}

export function requestsTo(vendor: VendorServer, endpoint: VendorEndpoint): VendorRequest[] {
  return vendor.requests.filter((request) => request.endpoint === endpoint)
}

/** The link of an error page that tries again, or asks for another account. */
export function retryLink(page: Page): string {
  const link = linksOf(page).find((one) => one.includes('/auth/authn'))
  if (link === undefined) throw new Error(`no link to a login on ${page.body}`)
  return link
}

/** What construction says against these options, and nothing when it takes them. */
export function refusal(
  provider: ProviderOption,
  options: Partial<OAuthModuleOptions> = {},
): string | undefined {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  try {
    oauthModule({ provider, secret, logger: silent, ...options })
    return undefined
  } catch (error) {
    return error instanceof TypeError ? error.message : `no TypeError: ${String(error)}`
  }
}

/** The rules denied the user; `words` are on the page. */
export function expectDenied(attempt: Attempt, ...words: string[]): void {
  expect(attempt).toMatchObject({ status: 403, code: 'not_authorized' })
  for (const word of words) expect(attempt.page.body).toContain(word)
}
