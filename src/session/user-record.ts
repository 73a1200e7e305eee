import { isStoreKey, sha256 } from '../http/ids.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'

/** A user who has signed in at least once. Times are in milliseconds. */
export interface AppUser {
  /** `provider:id`, the same as `req.user.key`. */
  readonly id: string
  /** The provider that the user signs in with. */
  readonly identityProvider: {
    /** The name of the provider in the options. */
    readonly name: string
    /** The issuer, or an empty string. */
    readonly url: string
  }
  /** The ID that the provider has for the user. */
  readonly providerUserId: string
  /** The user name or handle at the provider. */
  readonly username: string | undefined
  /** The email address, verified or not. */
  readonly email: string | undefined
  /** The full name. */
  readonly name: string | undefined
  /** When the user signed in for the first time. */
  readonly createdAt: number
  /** When the user was last active. At most one hour old. */
  readonly lastActive: number
  /** When the user last signed in. */
  readonly lastLogin: number
}

/** The record of a user in the store. */
export interface UserRecord extends StoreRecord {
  readonly kind: 'user'
  readonly user: AppUser
  /**
   * The sessions of the user, by instance and key, in the order of the logins. Some may have ended.
   */
  readonly sessions?: readonly (readonly [instance: string, key: string])[] | undefined
}

/** The key of a user's record. */
export function userKey(id: string): string {
  return `user-${sha256(id)}`
}

/** The record at a key, if it is of this kind. */
export async function readRecord<R extends StoreRecord>(
  store: GuardedStore,
  key: string,
  kind: R['kind'],
): Promise<R | undefined> {
  const record = await store.get(key)
  return record?.kind === kind ? (record as R) : undefined
}

/** Throws a `TypeError` that names the method if the ID is not a non-empty string. */
export function mustBeId(id: unknown, method: string): void {
  if (typeof id !== 'string' || id === '')
    throw new TypeError(`${method} must be called with an ID: a non-empty string`)
}

/** Throws a `TypeError` that names the method if the ID cannot be the handle of a session. */
export function mustBeHandle(id: unknown, method: string): void {
  mustBeId(id, method)
  if (!isStoreKey(id))
    throw new TypeError(
      `${method} must be called with the ID of a session, as in req.oauth.sessionHandle: letters and digits`,
    )
}
