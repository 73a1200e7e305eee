import type { UserProfile } from '../access/user.js'
import { type Account, frozenAccount } from './account.js'
import { packDevice, type PackedDeviceKey, unpackDevice } from './device-key.js'
import type { SeenPlaces } from '../http/places.js'
import { packDecisions, type PackedDecision, unpackDecisions } from './packed-decision.js'
import type { Session } from './session.js'

/**
 * The fields of a session in their stored order. Arrays, because names would double the size of a
 * row. Times are milliseconds after `createdAt`. New fields are added at the end, so that releases
 * read each other's rows during a deploy.
 */
export type PackedSession = [
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

/** Those of this release. */
const FIELDS = 16

type PackedPlaces = readonly [
  families: readonly string[],
  networks: readonly string[],
  movedAt?: number,
]

export type PackedUser = [
  name: string | null,
  email: string | null,
  emailVerified: 0 | 1,
  username: string | null,
  picture: string | null,
  organizations: readonly string[],
  teams: readonly string[],
  groups: readonly string[],
]

/** The members of a row that are stored next to the packed fields. */
export type RowMembers = Pick<Session, 'group' | 'createdAt' | 'revision' | 'sealed'>

/** The fields of a session as compact JSON, without {@link RowMembers}. */
export function packSession(session: Session): string {
  return JSON.stringify(packFields(session))
}

/** The fields of a session in their stored order, without {@link RowMembers}. */
export function packFields(session: Session): PackedSession {
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
    packDecisions(session.verdicts, createdAt),
    since(session.deniedSince),
    [browser.userAgent ?? null, browser.ipAddress ?? null],
  ]
  return [...packed, ...laterFields(session)] as PackedSession
}

/** Fields that most sessions do not have. Those at the end are left out. */
function laterFields(session: Session): unknown[] {
  const { account, checkRequestedAt, createdAt, device, seen, later = [] } = session
  const requestedAt = checkRequestedAt === undefined ? undefined : checkRequestedAt - createdAt
  const places: PackedPlaces | undefined = seen && packPlaces(seen)
  const fields = [account, requestedAt, device && packDevice(device), places, ...later]
  const length = later.length > 0 ? fields.length : fields.findLastIndex(isPresent) + 1
  return fields.slice(0, length).map((field) => field ?? null)
}

function isPresent(value: unknown): boolean {
  return value !== undefined
}

function packPlaces({ families, networks, movedAt }: SeenPlaces): PackedPlaces {
  return movedAt === undefined ? [families, networks] : [families, networks, movedAt]
}

function unpackPlaces([families, networks, movedAt]: PackedPlaces): SeenPlaces {
  return { families, networks, movedAt }
}

/** Reads what {@link packSession} wrote. The caller has verified that it did. */
export function unpackSession(json: string, members: RowMembers): Session {
  return unpackFields(JSON.parse(json) as PackedSession, members)
}

/** Reads what {@link packFields} returned. */
export function unpackFields(packed: PackedSession, members: RowMembers): Session {
  // By index: V8 takes five times as long for a destructured array, on the path of a request.
  const { group, createdAt, revision, sealed } = members
  const account = packed[12]
  const device = packed[14]
  const seen = packed[15]
  const [userAgent, ipAddress] = packed[11]
  const session: Session = {
    kind: 'session',
    group,
    createdAt,
    revision,
    instance: packed[0],
    client: packed[1],
    user: unpackUser(group, packed[2]),
    sid: packed[3] ?? undefined,
    scopes: packed[4],
    lastActiveAt: createdAt + packed[5],
    authTime: timeOf(packed[6], createdAt),
    accessTokenExpiresAt: timeOf(packed[7], createdAt),
    headerTokens: packed[8],
    sealed,
    verdicts: unpackDecisions(packed[9], createdAt),
    deniedSince: timeOf(packed[10], createdAt),
    browser: { userAgent: userAgent ?? undefined, ipAddress: ipAddress ?? undefined },
    account: account ? frozenAccount(account) : undefined,
    checkRequestedAt: timeOf(packed[13] ?? null, createdAt),
    device: device ? unpackDevice(device) : undefined,
    seen: seen ? unpackPlaces(seen) : undefined,
  }
  return packed.length <= FIELDS ? session : { ...session, later: packed.slice(FIELDS) }
}

function timeOf(since: number | null, createdAt: number): number | undefined {
  return since === null ? undefined : createdAt + since
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
  const [name, email, emailVerified, username, picture] = packed
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
    organizations: packed[5],
    teams: packed[6],
    groups: packed[7],
  }
}
