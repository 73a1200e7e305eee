import { isPlainObject } from '../schema/read-fields.js'
import { deepFreeze } from './stores/deep-freeze.js'

declare global {
  namespace OAuthModule {
    /**
     * The type of `req.oauth.account`. An app declares what its `onLogin` returns:
     *
     * ```ts
     * declare global {
     *   namespace OAuthModule {
     *     interface Account {
     *       id: number
     *       roles: string[]
     *     }
     *   }
     * }
     * ```
     */
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- for apps to augment
    interface Account {}
  }
}

/** What `onLogin` returned for a session: frozen, and unknown values unless the app declares them. */
export type Account = keyof OAuthModule.Account extends never
  ? Readonly<Record<string, unknown>>
  : Readonly<OAuthModule.Account>

/** Bytes of an account as JSON. Every request of the session reads them. */
export const MAX_ACCOUNT_BYTES = 4096

/** The account, or what is wrong with it. */
export type ParsedAccount =
  | { readonly account: Account | undefined; readonly problem?: undefined }
  | { readonly problem: string }

/**
 * Validates the return value of `onLogin`: sessions are stored as JSON, so every store must return
 * the same value. `undefined` and `null` mean that there is no account.
 */
export function parseAccount(value: unknown): ParsedAccount {
  if (value === undefined || value === null) return { account: undefined }
  if (!isPlainObject(value)) return { problem: 'must return a plain object, or nothing' }
  const wrong = pathOfOther(value, '', [])
  if (wrong !== undefined)
    return {
      problem: `must return only strings, finite numbers, booleans, null, arrays and plain objects: ${wrong} is none of these. For a document or a row of a database, return its ID`,
    }
  const json = JSON.stringify(value)
  const size = Buffer.byteLength(json)
  return size > MAX_ACCOUNT_BYTES
    ? {
        problem: `must return at most ${MAX_ACCOUNT_BYTES} bytes as JSON, not ${size}: return an ID, and read the rest where it is needed`,
      }
    : { account: frozenAccount(JSON.parse(json) as Account) }
}

/** Frozen in every store: a change would be lost with the request. */
export function frozenAccount(account: Account): Account {
  return deepFreeze(account)
}

/** Where the value contains something that JSON does not keep, such as a `Date`. */
function pathOfOther(
  value: unknown,
  path: string,
  parents: readonly unknown[],
): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path
  const isList = Array.isArray(value)
  if ((!isList && !isPlainObject(value)) || parents.includes(value) || parents.length > 16)
    return path
  for (const [name, member] of Object.entries(value)) {
    // As in JSON, a member that is `undefined` is absent. In an array it would be `null`.
    if (member === undefined && !isList) continue
    const wrong = pathOfOther(member, path === '' ? name : `${path}.${name}`, [...parents, value])
    if (wrong !== undefined) return wrong
  }
  return undefined
}
