import { sha256 } from '../http/ids.js'
import { MAX_SESSION_MS } from './lifetimes.js'
import type { OpenSession } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord } from './user-record.js'

/** The users who have signed in with an email address. */
interface EmailRecord extends StoreRecord {
  readonly kind: 'email'
  /** The latest first, those with a verified address before all others. */
  readonly users: readonly (readonly [key: string, isVerified: boolean])[]
}

/**
 * Anyone may enter the address of another person at some providers: such users must not displace the
 * ones whose address is verified.
 */
const MAX_USERS = 16
const MAX_ATTEMPTS = 5

/** Finds users by the email address of their logins, for signals that name nothing else. */
export class UserEmails {
  readonly #store: GuardedStore

  constructor(store: GuardedStore) {
    this.#store = store
  }

  /** Records the address of a login. */
  async add({ record: { client, user } }: OpenSession): Promise<void> {
    if (user.email === undefined) return
    const key = emailKey(client, user.email)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const present = await readRecord<EmailRecord>(this.#store, key, 'email')
      const others = (present?.users ?? []).filter(([id]) => id !== user.key)
      const users = [[user.key, user.emailVerified] as const, ...others].sort(
        ([, a], [, b]) => Number(b) - Number(a),
      )
      const record: EmailRecord = {
        kind: 'email',
        group: client,
        createdAt: present?.createdAt ?? Date.now(),
        revision: (present?.revision ?? 0) + 1,
        users: users.slice(0, MAX_USERS),
      }
      if (present === undefined) return this.#store.set(key, record, MAX_SESSION_MS)
      if (await this.#store.update(key, record, MAX_SESSION_MS)) return
    }
  }

  /** The keys of the users with this address. */
  async find(client: string, email: string): Promise<readonly string[]> {
    const record = await readRecord<EmailRecord>(this.#store, emailKey(client, email), 'email')
    return (record?.users ?? []).map(([key]) => key)
  }
}

/** Addresses that differ only in case are the same. (RFC 9493, 3.2.2) */
function emailKey(client: string, email: string): string {
  return `email-${sha256(JSON.stringify([client, email.toLowerCase()]))}`
}
