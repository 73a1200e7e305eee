import { createCache } from '../http/create-cache.js'
import type { PackedDecision } from './packed-decision.js'
import { type PackedSession, type PackedUser, packFields, unpackFields } from './packed-session.js'
import type { Session } from './session.js'
import { deepFreeze } from './stores/deep-freeze.js'
import type { StoreRecord } from './stores/store.js'

/**
 * A session as it is stored in the memory of this process: a third of the memory that the object
 * would take.
 */
export interface CompactRow extends StoreRecord {
  readonly kind: 'session'
  readonly sealed: string
  /** One object for all sessions that have it in common. */
  readonly shared: SharedFields
  /** The other fields, as JSON. */
  readonly own: string
}

type SharedFields = readonly [
  instance: PackedSession[0],
  client: PackedSession[1],
  scopes: PackedSession[4],
  headerTokens: PackedSession[8],
  decisions: readonly SharedDecision[],
  userAgent: string | null,
  organizations: PackedUser[5],
  teams: PackedUser[6],
  groups: PackedUser[7],
]

/** A decision without its time, and without an entry that names the user. */
type SharedDecision = readonly [
  fingerprint: PackedDecision[0],
  allowed: PackedDecision[2],
  incomplete: PackedDecision[3],
  decidedBy: PackedDecision[4],
  matched: PackedDecision[5] | null,
  lost: PackedDecision[6],
]

type OwnDecision = readonly [at: PackedDecision[1], matched?: PackedDecision[5]]

/** Those that many sessions lack are last: an absent end takes no memory. */
type OwnFields = readonly [
  name: PackedUser[0],
  email: PackedUser[1],
  emailVerified: PackedUser[2],
  username: PackedUser[3],
  picture: PackedUser[4],
  lastActive: PackedSession[5],
  decisions: readonly OwnDecision[],
  ipAddress?: string | null,
  sid?: PackedSession[3],
  authTime?: PackedSession[6],
  accessTokenExpiresAt?: PackedSession[7],
  deniedSince?: PackedSession[10],
  ...later: unknown[],
]

const OWN_FIELDS = 12

/** Combinations that are kept, so that later sessions share them. */
const MAX_SHARED = 1_000
const known = createCache<SharedFields>({ max: MAX_SHARED })

/** The row of a session for a store in this process. */
export function compactSession(session: Session): CompactRow {
  const { kind, group, createdAt, revision, sealed } = session
  const packed = packFields(session)
  const [instance, client, user, sid, scopes, lastActive, authTime, expiresAt, ...rest] = packed
  const [headerTokens, decisions, deniedSince, [userAgent, ipAddress], ...later] = rest
  const [name, email, emailVerified, username, picture, ...memberships] = user
  const shared = shareFields([
    ...([instance, client, scopes, headerTokens] as const),
    ...([decisions.map(sharedDecision), userAgent, ...memberships] as const),
  ])
  const fields: OwnFields = [
    ...([name, email, emailVerified, username, picture] as const),
    ...([lastActive, decisions.map(ownDecision), ipAddress] as const),
    ...([sid, authTime, expiresAt, deniedSince] as const),
    ...later,
  ]
  const length = fields.findLastIndex((field) => field !== null) + 1
  const own = JSON.stringify(fields.slice(0, length))
  return Object.freeze({ kind, group, createdAt, revision, sealed, shared, own })
}

/** Reads what {@link compactSession} returned. */
export function expandSession(row: CompactRow): Session {
  const { shared } = row
  const own = JSON.parse(row.own) as OwnFields
  const packed: PackedSession = [
    shared[0],
    shared[1],
    [own[0], own[1], own[2], own[3], own[4], shared[6], shared[7], shared[8]],
    own[8] ?? null,
    shared[2],
    own[5],
    own[9] ?? null,
    own[10] ?? null,
    shared[3],
    wholeDecisions(shared[4], own[6]),
    own[11] ?? null,
    [shared[5], own[7] ?? null],
  ]
  if (own.length > OWN_FIELDS) (packed as unknown[]).push(...own.slice(OWN_FIELDS))
  return unpackFields(packed, row)
}

function shareFields(fields: SharedFields): SharedFields {
  const json = JSON.stringify(fields)
  const shared = known.get(json)
  if (shared !== undefined) return shared
  // A copy: its strings are not slices of larger ones, such as a header or the response of a
  // provider.
  const copy = deepFreeze(JSON.parse(json) as SharedFields)
  known.set(json, copy)
  return copy
}

function sharedDecision(decision: PackedDecision): SharedDecision {
  const [fingerprint, , allowed, incomplete, decidedBy, matched, lost] = decision
  const shared = namesUser(matched) ? null : matched
  return [fingerprint, allowed, incomplete, decidedBy, shared, lost]
}

function ownDecision([, at, , , , matched]: PackedDecision): OwnDecision {
  return namesUser(matched) ? [at, matched] : [at]
}

function wholeDecisions(
  shared: readonly SharedDecision[],
  own: readonly OwnDecision[],
): readonly PackedDecision[] {
  return shared.map((decision, index) => {
    const [at, matched = []] = own[index] ?? [0]
    const [fingerprint, allowed, incomplete, decidedBy, sharedMatched, lost] = decision
    return [fingerprint, at, allowed, incomplete, decidedBy, sharedMatched ?? matched, lost]
  })
}

/** Few sessions have such an entry in common. */
function namesUser(matched: PackedDecision[5]): boolean {
  return matched.some(([list]) => list === 'emails')
}
