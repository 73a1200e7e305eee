import type { LRUCache } from 'lru-cache'
import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { Encrypter } from '../http/encryption.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'

/**
 * How long a proof is good for. Browsers limit how often they sign for a site (Chromium: some six
 * times in nine minutes, for all sessions of the site together), and renew the cookie before it
 * expires.
 */
export const BOUND_COOKIE_MS = 600_000

/** A value that was verified. */
interface VerifiedValue {
  readonly value: string
  readonly expiresAt: number
}

/** The latest value that this process has verified, by key of the session. Outlives a configuration. */
export type VerifiedValues = LRUCache<string, VerifiedValue>

/** What {@link BoundCookies} depends on. */
export interface BoundCookiesDeps {
  readonly encrypter: Encrypter
  readonly verified: VerifiedValues
  /** How far the clocks of two processes may differ. */
  readonly clockToleranceMs: number
}

/** Cookies with the same name that are read. Others belong to other mounts, or an attacker set them. */
const MAX_CANDIDATES = 4

/**
 * The cookies `<prefix>bound`: when they expire, and a code that authenticates this time for one
 * session. They are checked without the store.
 */
export class BoundCookies {
  readonly #deps: BoundCookiesDeps

  constructor(deps: BoundCookiesDeps) {
    this.#deps = deps
  }

  /** Sets the cookie for the session with this key. */
  write({ res, mount, now }: GateRequest, key: string): void {
    const { name, attributes } = mount.boundCookie
    const content = (now + BOUND_COOKIE_MS).toString(36)
    const code = this.#deps.encrypter.authenticate('bound', textOf(key, content))
    setCookie(res, name, `${content}.${code}`, attributes, BOUND_COOKIE_MS / 1000)
  }

  /** Deletes the cookie, so that the browser renews it. */
  clear({ res, mount }: GateRequest): void {
    clearCookie(res, mount.boundCookie.name, mount.boundCookie.attributes)
  }

  /**
   * Whether the request has a cookie for this session. `invalid`: it has one, but it has expired or
   * belongs to another session.
   */
  check(
    { cookieHeader, mount, now }: IncomingGateRequest,
    key: string,
  ): 'valid' | 'invalid' | 'missing' {
    const { name } = mount.boundCookie
    const value = singleValue(cookieHeader, name)
    if (value !== undefined && this.#isValid(value, key, now)) return 'valid'
    const values = readCookies(cookieHeader, name).slice(0, MAX_CANDIDATES)
    if (values.some((other) => this.#isValid(other, key, now))) return 'valid'
    return values.length > 0 ? 'invalid' : 'missing'
  }

  #isValid(value: string, key: string, now: number): boolean {
    const { verified, clockToleranceMs } = this.#deps
    const known = verified.get(key)
    const found = known?.value === value ? known : this.#verify(value, key)
    return found !== undefined && now < found.expiresAt + clockToleranceMs
  }

  #verify(value: string, key: string): VerifiedValue | undefined {
    const { encrypter, verified } = this.#deps
    const end = value.indexOf('.')
    const content = value.slice(0, Math.max(0, end))
    if (!encrypter.isAuthentic('bound', textOf(key, content), value.slice(end + 1)))
      return undefined
    const found = { value, expiresAt: Number.parseInt(content, 36) }
    verified.set(key, found)
    return found
  }
}

/** The value of the first cookie of this name. On the hot path: without separating the others. */
function singleValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  const start = header.indexOf(`${name}=`)
  if (start === -1) return undefined
  const end = header.indexOf(';', start)
  return header.slice(start + name.length + 1, end === -1 ? undefined : end)
}

function textOf(key: string, content: string): string {
  return `${key}\n${content}`
}
