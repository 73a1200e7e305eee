import { deepFreeze } from './stores/deep-freeze.js'
import type { StoreRecord } from './stores/store.js'
import type { Claims } from '../oauth/identity.js'
import type { OAuthUser, StoredDecision } from '../access/user.js'

/** A login as it is stored: plain JSON. */
export interface Session extends StoreRecord {
  readonly kind: 'session'
  readonly version: 1
  /**
   * The instance, provider, issuer and client that created the session; it is valid for these only.
   */
  readonly instance: string
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  readonly user: OAuthUser
  /** The `sub` of the ID token, if there is one. */
  readonly subject: string | undefined
  /** Claims of the ID token that remain true for the whole session: user, issuer and login. */
  readonly boundClaims: Claims
  /** The redirect URI of the login: some providers require it again when a token is refreshed. */
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly lastActiveAt: number
  /** When the user last authenticated at the provider, if the provider states it. */
  readonly authTime: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  /** Which tokens exist and are short enough for a request header. */
  readonly headerTokens: readonly ('access' | 'refresh')[]
  /** Access, refresh and ID token, encrypted with a key that is derived from the session ID. */
  readonly tokens: string
  /** Decisions by fingerprint of the rules: the two latest. */
  readonly verdicts: Readonly<Record<string, StoredDecision>>
  /** Since when the rules deny the user; the row is kept for a day at most after that. */
  readonly deniedSince: number | undefined
  /** The browser of the login, for lists of sessions. */
  readonly browser: {
    readonly userAgent: string | undefined
    readonly ipAddress: string | undefined
  }
}

/** The fields of a new session that the caller sets; {@link newSession} adds the others. */
export type SessionStart = Omit<
  Session,
  | 'kind'
  | 'group'
  | 'createdAt'
  | 'revision'
  | 'version'
  | 'lastActiveAt'
  | 'headerTokens'
  | 'tokens'
  | 'deniedSince'
>

const SESSION_VERSION = 1

/** The record of a session that begins at `now`. */
export function newSession(
  start: SessionStart,
  now: number,
  tokens: Pick<Session, 'tokens' | 'headerTokens'>,
): Session {
  return deepFreeze({
    ...start,
    kind: 'session',
    version: SESSION_VERSION,
    group: start.user.key,
    createdAt: now,
    revision: 1,
    deniedSince: undefined,
    lastActiveAt: now,
    ...tokens,
  })
}

/**
 * The record as a session, or `undefined` when it is not one. Sessions of other versions are kept
 * for the releases that can read them.
 */
export function parseSession(record: StoreRecord | null | undefined): Session | undefined {
  if (record?.kind !== 'session') return undefined
  const { version, user, tokens, verdicts, createdAt, lastActiveAt } = record as Partial<Session>
  const isSession =
    version === SESSION_VERSION &&
    typeof user?.key === 'string' &&
    typeof tokens === 'string' &&
    typeof verdicts === 'object' &&
    verdicts !== null &&
    typeof createdAt === 'number' &&
    typeof lastActiveAt === 'number'
  return isSession ? (record as Session) : undefined
}

/** A token that expires within this time could expire on its way to the provider. */
const TOKEN_EXPIRY_MARGIN_MS = 5_000

/** Whether the access token has expired, or is about to. */
export function hasExpiredToken({ accessTokenExpiresAt }: Session): boolean {
  return (
    accessTokenExpiresAt !== undefined &&
    Date.now() >= accessTokenExpiresAt - TOKEN_EXPIRY_MARGIN_MS
  )
}
