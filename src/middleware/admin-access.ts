import type { EventOrigin } from '../http/event-origin.js'
import type { AppRequest } from '../http/request.js'
import type { BlockedUser } from '../session/blocked-users.js'
import type { ListPosition } from '../session/entries-before.js'
import type { SealedRecords } from '../session/sealed-records.js'
import type { AppSession, InstanceSession } from '../session/session-list.js'
import type { StoreRecord } from '../session/stores/store.js'
import type { AppUser } from '../session/user-record.js'
import type { Log } from '../options/logger.js'
import type { AdminActionEvent } from './admin-action-event.js'
import type { OAuthEvents } from './event-types.js'
import type { ConfigurationAccess } from './configuration/access.js'
import type { PageGuard } from './page-guard.js'
import type { GuardRules } from './require-auth.js'

/** The property of the middleware through which `oauth-module/admin` reads and changes it. */
export const ADMIN_ACCESS = Symbol.for('oauth-module.admin')

/**
 * What `oauth-module/admin` needs of a gate. It may come from another copy of the package, so it
 * consists of plain values and methods.
 */
export interface AdminAccess {
  /** The store as the app passed it: gates that share it have the same one. */
  readonly store: unknown
  /** The log of the configuration that is in force. */
  readonly logger: Log
  /** The configuration, and changes of it. */
  readonly configuration: ConfigurationAccess
  /** The option `baseUrl`. */
  readonly baseUrl: string | undefined
  /** The option `cookiePrefix`. */
  readonly cookiePrefix: string
  /** Names of the providers at which everyone who can sign in may pass. */
  readonly openProviders: readonly string[]
  /** Where a request came from, as far as the options of this gate let that be recorded. */
  originOf(req: AppRequest): EventOrigin
  /** Emits `admin_action`. */
  emitAction(event: AdminActionEvent): void
  /** Calls the listener for each event `signal`. Absent in earlier releases. */
  onSignal?(listener: (signal: OAuthEvents['signal']) => void): void
  /** Whether sessions of an instance are those of this gate. */
  isOfGate(instance: string): 'yes' | 'maybe' | 'no'
  /** Users that come after a position in the list of all users. */
  users(before: ListPosition | undefined, size: number): AsyncIterable<AppUser>
  /** The number of records of a kind; `undefined` if the store cannot count them. */
  count(kind: 'user' | 'session'): Promise<number | undefined>
  /** A user by ID. */
  user(id: string): Promise<AppUser | undefined>
  /** Users who are blocked and come after a position, the latest first. */
  blockedUsers(before: ListPosition | undefined, size: number): AsyncIterable<BlockedUser>
  /** Whether a user is blocked. */
  isBlocked(id: string): Promise<boolean>
  /** Ends the sessions of a user, and rejects further logins. */
  blockUser(id: string): Promise<boolean>
  /** Lets a blocked user sign in again. */
  unblockUser(id: string): Promise<boolean>
  /** Ends the sessions of a user, and deletes the user. Returns whether the user existed. */
  deleteUser(id: string): Promise<boolean>
  /** Rows of sessions that come after a position in the list of all sessions. */
  sessionRows(before: ListPosition | undefined, size: number): AsyncIterable<Row>
  /** Rows of the sessions of a user. */
  sessionRowsOf(userId: string): AsyncIterable<Row>
  /** The row of a session, or of another record. */
  row(key: string): Promise<StoreRecord | undefined>
  /** The session of a row; `undefined` if it was not written with the secret of this gate. */
  describe(key: string, row: StoreRecord | undefined): InstanceSession | undefined
  /** Ends a session. Returns whether it existed. */
  revoke(key: string): Promise<boolean>
  /** The number of users who were active in a month. */
  monthlyActiveUsers(month: string | undefined): Promise<number>
  /** Records of `oauth-module/admin` itself, such as its audit log. */
  readonly records: AdminRecords
  /**
   * A guard for pages next to the gate. Throws a `TypeError` for rules that are not valid, or that
   * no provider can meet.
   */
  pageGuard(rules: GuardRules): AdminPageGuard
}

/** Encrypted records, as {@link SealedRecords} keeps them. */
export type AdminRecords = Pick<SealedRecords, 'isListable' | 'add' | 'list' | 'open'>

/** Lets those requests to pages pass whose user meets the rules. */
export type AdminPageGuard = Pick<PageGuard, 'handle'>

export type {
  AdminAction,
  AdminActionEvent,
  AdminActor,
  FieldChange,
} from './admin-action-event.js'
export type { EventOrigin } from '../http/event-origin.js'
export type { PageProblem, PageVisit } from './page-guard.js'

/** A record with its key. */
export type Row = readonly [key: string, row: StoreRecord]

export type { AppSession, AppUser, BlockedUser, InstanceSession, ListPosition }
export type {
  ChangeRequest,
  ConfigChangeErrorCode,
  ConfigurationAccess,
  StoredVersion,
} from './configuration/access.js'
export type {
  StoredChange,
  StoredConnection,
  StoredModule,
  StoredProvider,
} from '../options/stored-change.js'
