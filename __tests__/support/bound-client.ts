import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Browser, createBrowser, type Page, type VisitOptions } from './jar.js'

/** The instructions that a server sends. */
export interface Instructions {
  session_identifier: string
  refresh_url?: string
  continue?: boolean
  scope: {
    origin?: string
    include_site: boolean
    scope_specification?: { type: string; domain?: string; path?: string }[]
  }
  credentials: { type: string; name: string; attributes?: string }[]
  allowed_refresh_initiators?: string[]
}

export type Algorithm = 'ES256' | 'RS256' | 'ES384' | 'none'

/** A key pair of a device, and what it signs. */
export interface Device {
  readonly jwk: Record<string, unknown>
  sign(claims: object, header?: Record<string, unknown>): string
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function keyPair(alg: Algorithm, bits: number): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: bits })
  return generateKeyPairSync('ec', { namedCurve: alg === 'ES384' ? 'P-384' : 'P-256' })
}

/** A device with a new key. Signs with `node:crypto`, as the specification describes it. */
export function createDevice(alg: Algorithm = 'ES256', bits = 2048): Device {
  const { publicKey, privateKey } = keyPair(alg, bits)
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }) },
    sign(claims, header = {}) {
      const input = `${encode({ alg, typ: 'dbsc+jwt', ...header })}.${encode(claims)}`
      if (alg === 'none') return `${input}.`
      const key =
        alg === 'RS256'
          ? { key: privateKey, padding: constants.RSA_PKCS1_PADDING }
          : { key: privateKey, dsaEncoding: 'ieee-p1363' as const }
      const digest = alg === 'ES384' ? 'sha384' : 'sha256'
      return `${input}.${sign(digest, Buffer.from(input), key).toString('base64url')}`
    },
  }
}

/** A browser that supports device-bound sessions, as far as a test drives it. */
export interface BoundClient {
  readonly browser: Browser
  readonly device: Device
  /** Where the server is: another process may have another port. */
  origin: string
  /** The challenge that the server has sent last. */
  challenge: string | undefined
  instructions: Instructions | undefined
  /**
   * Signs in, without registering: the offer of the login response, or of the next request of the
   * page.
   */
  signIn(url: string): Promise<Page>
  register(more?: Proof): Promise<Page>
  refresh(more?: Proof): Promise<Page>
}

/** What a test changes about a proof. */
export interface Proof {
  challenge?: string
  device?: Device
  claims?: object
  header?: Record<string, unknown>
  /** The whole proof; `null` for a request without one. */
  proof?: string | null
  identifier?: string | null
  options?: VisitOptions
}

/** The parts of an entry of `Secure-Session-Registration`. */
export function offerOf(page: Pick<Page, 'headers' | 'history'>) {
  const { history } = page
  const header = 'secure-session-registration'
  const at = history.findLastIndex(({ headers }) => headers[header] !== undefined)
  const value = history[at]?.headers[header]
  const parts = /^\(([^)]*)\);path="([^"]*)";challenge="([^"]*)"$/.exec(String(value))
  if (parts === null) return undefined
  const [, algorithms = '', path = '', challenge = ''] = parts
  const origins = history.slice(Math.max(0, at - 1), at + 1).map(({ url }) => new URL(url).origin)
  // Browsers omit cookies with `SameSite=Lax` if another site led to the response.
  const isCrossSite = new Set(origins).size > 1
  return { algorithms: algorithms.split(' '), path, challenge, isCrossSite }
}

export function createBoundClient(origin: string, device = createDevice()): BoundClient {
  let offer: ReturnType<typeof offerOf>
  const browser = createBrowser()
  // As Chromium sends them.
  const asBrowser = { Accept: undefined, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'empty' }

  async function send(path: string, headers: Record<string, string | undefined>, more: Proof) {
    const given = more.options?.headers
    const page = await browser.post(new URL(path, client.origin).href, '', {
      ...more.options,
      headers: { ...asBrowser, 'Content-Type': undefined, ...headers, ...given },
      follow: false,
    })
    const challenge = /^"([^"]*)";id="([^"]*)"$/.exec(
      String(page.headers['secure-session-challenge']),
    )
    if (challenge) client.challenge = challenge[1]
    if (page.status !== 200) return page
    const instructions = JSON.parse(page.body) as Instructions
    if (instructions.continue !== false) client.instructions = instructions
    return page
  }

  const client: BoundClient = {
    browser,
    device,
    origin,
    challenge: undefined,
    instructions: undefined,
    async signIn(url) {
      const page = await browser.get(url)
      offer = offerOf(page)
      if (offer === undefined && page.status === 200) {
        const headers = { 'Sec-Fetch-Site': 'same-origin' }
        offer = offerOf(await browser.get(page.url, { headers, follow: false }))
      }
      return page
    },
    register(more = {}) {
      if (offer === undefined) throw new Error('the login offers no registration')
      const signer = more.device ?? device
      const claims = { jti: more.challenge ?? offer.challenge, ...more.claims }
      const proof =
        more.proof === undefined
          ? signer.sign(claims, { jwk: signer.jwk, ...more.header })
          : more.proof
      const omitted = offer.isCrossSite ? { Cookie: undefined } : {}
      return send(offer.path, { 'Secure-Session-Response': proof ?? undefined, ...omitted }, more)
    },
    refresh(more = {}) {
      const { instructions, challenge } = client
      if (instructions === undefined) throw new Error('the browser is not registered')
      const signer = more.device ?? device
      const signed = more.challenge ?? challenge
      const proof =
        more.proof === undefined && signed !== undefined
          ? signer.sign({ jti: signed, ...more.claims }, more.header)
          : more.proof
      const id = more.identifier === undefined ? instructions.session_identifier : more.identifier
      const headers = {
        'Sec-Secure-Session-Id': id === null ? undefined : `"${id}"`,
        'Secure-Session-Response': proof ? `"${proof}"` : undefined,
      }
      return send(instructions.refresh_url ?? '', headers, more)
    },
  }
  return client
}
