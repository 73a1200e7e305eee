import type { Loss, StoredDecision, UserProfile } from '../access/user.js'
import { type Account, frozenAccount } from './account.js'
import { packDevice, type PackedDeviceKey, unpackDevice } from './device-key.js'
import type { SeenPlaces } from '../http/places.js'
import type { Session } from './session.js'

/**
 * The fields of a session in their stored order. Arrays, because names would double the size of a
 * row. Times are milliseconds after `createdAt`. New fields are added at the end, so that releases
 * read each other's rows during a deploy.
 */
type PackedSession = [
  instance: string,
  client: string,
  user: PackedUser,
  sid: string | null,
  scopes: readonly string[],
  lastActive: number,
  authTime: number | null,
  accessTokenExpiresAt: number | null,
  headerTokens: Session['headerTokens'],
  verdicts: readonly PackedDecision[],
  deniedSince: number | null,
  browser: [userAgent: string | null, ipAddress: string | null],
  account?: Account | null,
  checkRequestedAt?: number | null,
  device?: PackedDeviceKey | null,
  seen?: PackedPlaces | null,
  ...later: unknown[],
]

type PackedPlaces = readonly [families: readonly string[], networks: readonly string[]]

type PackedUser = [
  name: string | null,
  email: string | null,
  emailVerified: 0 | 1,
  username: string | null,
  picture: string | null,
  organizations: readonly string[],
  teams: readonly string[],
  groups: readonly string[],
]

type PackedDecision = [
  fingerprint: string,
  at: number,
  allowed: 0 | 1,
  incomplete: 0 | 1,
  decidedBy: string | null,
  matched: readonly (readonly [list: string, entry: string])[],
  lost: Loss | null,
]

/** The members of a row that are stored next to the packed fields. */
export type RowMembers = Pick<Session, 'group' | 'createdAt' | 'revision' | 'sealed'>

/** The fields of a session as compact JSON, without {@link RowMembers}. */
export function packSession(session: Session): string {
  const { browser, createdAt } = session
  const since = (time: number | undefined) => (time === undefined ? null : time - createdAt)
  const packed: PackedSession = [
    session.instance,
    session.client,
    packUser(session.user),
    session.sid ?? null,
    session.scopes,
    session.lastActiveAt - createdAt,
    since(session.authTime),
    since(session.accessTokenExpiresAt),
    session.headerTokens,
    Object.entries(session.verdicts).map((entry) => packDecision(entry, createdAt)),
    since(session.deniedSince),
    [browser.userAgent ?? null, browser.ipAddress ?? null],
  ]
  return JSON.stringify([...packed, ...laterFields(session)])
}

/** Fields that most sessions do not have. Those at the end are left out. */
function laterFields(session: Session): unknown[] {
  const { account, checkRequestedAt, createdAt, device, seen, later = [] } = session
  const requestedAt = checkRequestedAt === undefined ? undefined : checkRequestedAt - createdAt
  const places: PackedPlaces | undefined = seen && [seen.families, seen.networks]
  const fields = [account, requestedAt, device && packDevice(device), places, ...later]
  const length = later.length > 0 ? fields.length : fields.findLastIndex(isPresent) + 1
  return fields.slice(0, length).map((field) => field ?? null)
}

function isPresent(value: unknown): boolean {
  return value !== undefined
}

function unpackPlaces([families, networks]: PackedPlaces): SeenPlaces {
  return { families, networks }
}

/** Reads what {@link packSession} wrote. The caller has verified that it did. */
export function unpackSession(json: string, members: RowMembers): Session {
  const packed = JSON.parse(json) as PackedSession
  const [instance, client, user, sid, scopes, lastActive, authTime, accessTokenExpiresAt] = packed
  const [, , , , , , , , headerTokens, verdicts, deniedSince, browser, ...newer] = packed
  const [account, requestedAt, device, seen, ...later] = newer
  const [userAgent, ipAddress] = browser
  const { group, createdAt, revision, sealed } = members
  const timeOf = (since: number | null) => (since === null ? undefined : createdAt + since)
  return {
    kind: 'session',
    group,
    createdAt,
    revision,
    instance,
    client,
    user: unpackUser(group, user),
    sid: sid ?? undefined,
    scopes,
    lastActiveAt: createdAt + lastActive,
    authTime: timeOf(authTime),
    accessTokenExpiresAt: timeOf(accessTokenExpiresAt),
    headerTokens,
    sealed,
    verdicts: Object.fromEntries(verdicts.map((packed) => unpackDecision(packed, createdAt))),
    deniedSince: timeOf(deniedSince),
    browser: { userAgent: userAgent ?? undefined, ipAddress: ipAddress ?? undefined },
    account: account ? frozenAccount(account) : undefined,
    checkRequestedAt: timeOf(requestedAt ?? null),
    device: device ? unpackDevice(device) : undefined,
    seen: seen ? unpackPlaces(seen) : undefined,
    ...(later.length > 0 && { later }),
  }
}

function packUser(user: UserProfile): PackedUser {
  return [
    user.name ?? null,
    user.email ?? null,
    user.emailVerified ? 1 : 0,
    user.username ?? null,
    user.picture ?? null,
    user.organizations,
    user.teams,
    user.groups,
  ]
}

/** The key of a user is `provider:id`, and names of providers contain no colon. */
function unpackUser(key: string, packed: PackedUser): UserProfile {
  const [name, email, emailVerified, username, picture, organizations, teams, groups] = packed
  const providerLength = key.indexOf(':')
  return {
    key,
    id: key.slice(providerLength + 1),
    name: name ?? undefined,
    email: email ?? undefined,
    emailVerified: emailVerified === 1,
    username: username ?? undefined,
    picture: picture ?? undefined,
    provider: key.slice(0, providerLength),
    organizations,
    teams,
    groups,
  }
}

function packDecision(
  [fingerprint, decision]: [string, StoredDecision],
  createdAt: number,
): PackedDecision {
  const { at, allowed, incomplete, decidedBy, matched, matches, lost } = decision
  const all = matches ?? (matched === undefined ? [] : [matched])
  return [
    fingerprint,
    at - createdAt,
    allowed ? 1 : 0,
    incomplete === true ? 1 : 0,
    decidedBy ?? null,
    all.map(({ list, entry }) => [list, entry]),
    lost ?? null,
  ]
}

function unpackDecision(packed: PackedDecision, createdAt: number): [string, StoredDecision] {
  const [fingerprint, at, allowed, incomplete, decidedBy, matched, lost] = packed
  const matches = matched.map(([list, entry]) => ({ list, entry }))
  const decision = {
    at: createdAt + at,
    allowed: allowed === 1,
    decidedBy: decidedBy ?? undefined,
    matched: matches[0],
    matches: matches.length > 1 ? matches : undefined,
    incomplete: incomplete === 1 ? (true as const) : undefined,
    lost: lost ?? undefined,
  }
  return [fingerprint, decision]
}
