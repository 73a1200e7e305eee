import { isStoreKey } from '../http/ids.js'
import type { ListPosition } from '../middleware/admin-access.js'
import { userKey } from '../session/user-record.js'

/**
 * An ID of the API contains when the record was created, so that a list continues after it even if
 * it was deleted in the meantime.
 */
export interface ResourceId {
  /** The ID of the user, or the handle of the session. */
  readonly id: string
  readonly createdAt: number
}

/** The kinds of IDs. */
export type ResourceKind = 'user' | 'session'

const PREFIXES: Readonly<Record<ResourceKind, string>> = { user: 'usr', session: 'ses' }
const FORMAT = /^([a-z]{3})_([0-9a-z]{1,11})_([A-Za-z0-9_-]+)$/

/** The ID of a resource: letters, digits, `_` and `-`. */
export function encodeId(kind: ResourceKind, { id, createdAt }: ResourceId): string {
  return `${PREFIXES[kind]}_${createdAt.toString(36)}_${Buffer.from(id).toString('base64url')}`
}

/** The parts of an ID, or `undefined` if it is not an ID of this kind. */
export function decodeId(kind: ResourceKind, text: string): ResourceId | undefined {
  const [, prefix, time = '', encoded = ''] = FORMAT.exec(text) ?? []
  if (prefix !== PREFIXES[kind]) return undefined
  const decoded = {
    id: Buffer.from(encoded, 'base64url').toString(),
    createdAt: parseInt(time, 36),
  }
  const isValid = kind === 'user' ? decoded.id !== '' : isStoreKey(decoded.id)
  // Each resource has one ID: other spellings of it are not accepted.
  return isValid && encodeId(kind, decoded) === text ? decoded : undefined
}

/** Where the resource is, or was, in the list of its kind. */
export function positionOf(kind: ResourceKind, { id, createdAt }: ResourceId): ListPosition {
  return { key: kind === 'user' ? userKey(id) : id, createdAt }
}
