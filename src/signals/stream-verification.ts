import type { Encrypter } from '../http/encryption.js'
import { randomId, sha256 } from '../http/ids.js'
import type { GuardedStore } from '../session/stores/guarded-store.js'
import type { StoreRecord } from '../session/stores/store.js'

/** What {@link StreamVerification} depends on. */
export interface StreamVerificationDeps {
  readonly store: GuardedStore
  readonly encrypter: Encrypter
  /** Reports that a verification event has arrived. */
  readonly onVerified: (transmitter: string) => void
}

const VERIFIED_TTL_MS = 600_000

/**
 * The `state` of verification events: a random value, authenticated with the secret, so that every
 * process can tell whether this app has requested the event. (SSF 1.0, 8.1.4)
 */
export class StreamVerification {
  readonly #deps: StreamVerificationDeps

  constructor(deps: StreamVerificationDeps) {
    this.#deps = deps
  }

  /** A state for a request. */
  newState(transmitter: string): string {
    const id = randomId()
    return `${id}.${this.#deps.encrypter.authenticate('verification', textOf(transmitter, id))}`
  }

  /** Records that the event has arrived. Returns whether its state is ours. */
  async confirm(transmitter: string, state: unknown): Promise<boolean> {
    const { encrypter, store, onVerified } = this.#deps
    if (state === undefined || state === '') return true
    const [id = '', mac = ''] = typeof state === 'string' ? state.split('.') : []
    if (!encrypter.isAuthentic('verification', textOf(transmitter, id), mac)) return false
    const record: StoreRecord = { kind: 'jti', group: '', createdAt: Date.now(), revision: 1 }
    await store.set(keyOf(id), record, VERIFIED_TTL_MS)
    onVerified(transmitter)
    return true
  }

  /** Whether the event with this state has arrived at any process. */
  async isConfirmed(state: string): Promise<boolean> {
    const [id = ''] = state.split('.')
    return (await this.#deps.store.get(keyOf(id))) !== undefined
  }
}

function textOf(transmitter: string, id: string): string {
  return `verification\n${transmitter}\n${id}`
}

function keyOf(id: string): string {
  return `verified-${sha256(id)}`
}
