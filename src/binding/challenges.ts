import { randomBytes } from 'node:crypto'
import type { LRUCache } from 'lru-cache'
import type { Encrypter } from '../http/encryption.js'
import { sha256 } from '../http/ids.js'
import type { GuardedStore } from '../session/stores/guarded-store.js'
import { BOUND_COOKIE_MS } from './bound-cookies.js'

/** What a challenge can be used for. */
export type ChallengeKind = 'registration' | 'refresh'

/** What {@link Challenges} depends on. */
export interface ChallengesDeps {
  readonly encrypter: Encrypter
  readonly store: GuardedStore
  /** Challenges that this process has accepted. Outlives a configuration. */
  readonly used: LRUCache<string, true>
  /** How far the clocks of two processes may differ. */
  readonly clockToleranceMs: number
}

const LIFETIMES_MS: Readonly<Record<ChallengeKind, number>> = {
  registration: 60_000,
  // Each refresh is sent the challenge of the next one, which follows when the cookie expires.
  refresh: BOUND_COOKIE_MS + 60_000,
}

/**
 * Challenges for the proofs of a session. The server stores none: a challenge contains when it was
 * issued, and a code that authenticates it for this session and kind.
 */
export class Challenges {
  readonly #deps: ChallengesDeps

  constructor(deps: ChallengesDeps) {
    this.#deps = deps
  }

  /**
   * A new challenge for the session with this key. That of a registration names the session: after
   * a login at another site, browsers omit its cookie. (`SameSite=Lax`)
   */
  create(kind: ChallengeKind, key: string, now: number): string {
    const name = kind === 'registration' ? `.${key}` : ''
    const content = `${now.toString(36)}.${randomBytes(9).toString('base64url')}${name}`
    const code = this.#deps.encrypter.authenticate('challenge', textOf(kind, key, content))
    return `${content}.${code}`
  }

  /** The key of the session that the challenge of a registration names. Not verified. */
  keyOf(challenge: string): string {
    return challenge.split('.', 3)[2] ?? ''
  }

  /** Whether the challenge was issued for this session and kind, and recently. */
  isValid(kind: ChallengeKind, key: string, challenge: string, now: number): boolean {
    const { encrypter, clockToleranceMs } = this.#deps
    const end = challenge.lastIndexOf('.')
    const content = challenge.slice(0, Math.max(0, end))
    const text = textOf(kind, key, content)
    if (!encrypter.isAuthentic('challenge', text, challenge.slice(end + 1))) return false
    const age = now - Number.parseInt(content, 36)
    return age >= -clockToleranceMs && age < LIFETIMES_MS[kind] + clockToleranceMs
  }

  /**
   * Uses a valid challenge: `false` if it was used before, in any process whose store can lock, and
   * in this process in any case.
   */
  async use(kind: ChallengeKind, challenge: string): Promise<boolean> {
    const { store, used, clockToleranceMs } = this.#deps
    const id = `challenge-${sha256(challenge)}`
    if (used.has(id)) return false
    used.set(id, true)
    if (store.lock === undefined) return true
    // Never released: it expires after the challenge.
    return (await store.lock(id, LIFETIMES_MS[kind] + 2 * clockToleranceMs)) !== undefined
  }
}

/** No part contains a line break. */
function textOf(kind: ChallengeKind, key: string, content: string): string {
  return `${kind}\n${key}\n${content}`
}
