import type { AppUser } from '../../middleware/admin-access.js'
import type { ListPosition } from '../../middleware/admin-access.js'
import type { Administration } from '../administration.js'
import { decodeId, positionOf } from '../ids.js'

/** What a search has found. */
export interface FoundUsers {
  readonly users: readonly AppUser[]
  /** The last user that was compared, if there are others. */
  readonly last: AppUser | undefined
  /** How many users were compared one by one. */
  readonly compared: number
}

/** The longest email address has 254 characters. (RFC 5321, 4.5.3.1) */
export const MAX_QUERY = 320
/** Users that one search compares. The page then offers to go on. */
const MAX_COMPARED = 10_000
const PAGE_SIZE = 1_000
const MAX_FOUND = 50

/**
 * The users with exactly this ID (ours, that of the API, or the provider's), email address or user
 * name. Without an index of the store, compares users one by one, the newest first, from a position
 * on.
 */
export async function findUsers(
  administration: Administration,
  query: string,
  before: ListPosition | undefined,
): Promise<FoundUsers> {
  const byId = before === undefined ? await userById(administration, query) : undefined
  if (byId !== undefined) return { users: [byId], last: undefined, compared: 0 }
  const wanted = query.toLowerCase()
  const users: AppUser[] = []
  let compared = 0
  let last: AppUser | undefined
  for await (const user of administration.everyUser(before, PAGE_SIZE)) {
    if (compared >= MAX_COMPARED || users.length >= MAX_FOUND) return { users, last, compared }
    compared++
    last = user
    if (isMatch(user, query, wanted)) users.push(user)
  }
  return { users, last: undefined, compared }
}

async function userById(administration: Administration, id: string): Promise<AppUser | undefined> {
  const resource = decodeId('user', id)
  if (resource !== undefined) return administration.user(resource)
  return administration.userByKey(id)
}

function isMatch(
  { email, username, providerUserId }: AppUser,
  query: string,
  wanted: string,
): boolean {
  return (
    providerUserId === query ||
    email?.toLowerCase() === wanted ||
    username?.toLowerCase() === wanted
  )
}

/** Where a list continues after a user. */
export function positionAfter(id: string | null): ListPosition | undefined {
  const resource = id === null ? undefined : decodeId('user', id)
  return resource && positionOf('user', resource)
}
