import type { EventOrigin } from '../http/event-origin.js'
import type { AppRequest } from '../http/request.js'
import type { BlockedUser } from '../session/blocked-users.js'
import { entriesBefore, type ListPosition } from '../session/entries-before.js'
import { SealedRecords } from '../session/sealed-records.js'
import type { InstanceSession } from '../session/session-list.js'
import type { StoreRecord } from '../session/stores/store.js'
import type { AppUser, UserRecord } from '../session/user-record.js'
import { sessionsOfUser } from '../session/user-sessions.js'
import type { Log } from '../options/logger.js'
import { openProviders } from '../options/startup-warnings.js'
import type { AdminActionEvent } from './admin-action-event.js'
import type { AdminAccess, AdminPageGuard, AdminRecords, Row } from './admin-access.js'
import type { Composition } from './composition.js'
import type { OAuthEvents } from './event-types.js'
import type { ConfigurationAccess } from './configuration/access.js'
import type { GateState } from './gate-state.js'
import { type GuardedGate, PageGuard } from './page-guard.js'
import type { GuardRules } from './require-auth.js'

/** The access of `oauth-module/admin` to a gate. */
export class GateAdminAccess implements AdminAccess {
  readonly configuration: ConfigurationAccess
  readonly #gate: GuardedGate
  readonly #current: () => Composition
  readonly #state: GateState

  constructor(
    gate: GuardedGate,
    current: () => Composition,
    state: GateState,
    configuration: ConfigurationAccess,
  ) {
    this.configuration = configuration
    this.#gate = gate
    this.#current = current
    this.#state = state
  }

  get store(): unknown {
    const { storeOption, store } = this.#current().config
    return storeOption ?? store
  }

  get logger(): Log {
    return this.#current().config.logger
  }

  get records(): AdminRecords {
    return new SealedRecords(this.#current())
  }

  get baseUrl(): string | undefined {
    const { baseUrl } = this.#current().config
    return baseUrl === undefined ? undefined : baseUrl.origin + baseUrl.path
  }

  get cookiePrefix(): string {
    return this.#current().config.cookiePrefix
  }

  get openProviders(): readonly string[] {
    return openProviders(this.#current().config)
  }

  originOf(req: AppRequest): EventOrigin {
    return this.#current().events.originOf(req)
  }

  emitAction(event: AdminActionEvent): void {
    this.#current().events.emit('admin_action', event)
  }

  onSignal(listener: (signal: OAuthEvents['signal']) => void): void {
    this.#current().events.on('signal', listener)
  }

  isOfGate(instance: string): 'yes' | 'maybe' | 'no' {
    const { id, cookiePrefix } = this.#current().config
    if (id !== undefined) return instance === id ? 'yes' : 'no'
    const suffix = ` ${cookiePrefix}`
    if (!instance.endsWith(suffix)) return 'no'
    const { known, confirmed } = this.#state.mounts
    const mountPath = instance.slice(0, -suffix.length)
    // The mount path is not known before the first request.
    return known.has(mountPath) || confirmed.has(mountPath) ? 'yes' : 'maybe'
  }

  async *users(before: ListPosition | undefined, size: number): AsyncIterable<AppUser> {
    for await (const [, record] of entriesBefore(this.#current().store, 'user', before, size))
      yield (record as UserRecord).user
  }

  async count(kind: 'user' | 'session'): Promise<number | undefined> {
    return this.#current().store.count?.({ kind })
  }

  user(id: string): Promise<AppUser | undefined> {
    return this.#current().users.get(id)
  }

  blockedUsers(before: ListPosition | undefined, size: number): AsyncIterable<BlockedUser> {
    return this.#current().blockedUsers.list(before, size)
  }

  isBlocked(id: string): Promise<boolean> {
    return this.#current().blockedUsers.has(id)
  }

  blockUser(id: string): Promise<boolean> {
    return this.#current().users.block(id)
  }

  unblockUser(id: string): Promise<boolean> {
    return this.#current().users.unblock(id)
  }

  deleteUser(id: string): Promise<boolean> {
    return this.#current().users.delete(id)
  }

  sessionRows(before: ListPosition | undefined, size: number): AsyncIterable<Row> {
    return entriesBefore(this.#current().store, 'session', before, size)
  }

  sessionRowsOf(userId: string): AsyncIterable<Row> {
    return sessionsOfUser(this.#current().store, userId)
  }

  row(key: string): Promise<StoreRecord | undefined> {
    return this.#current().sessionList.row(key)
  }

  describe(key: string, row: StoreRecord | undefined): InstanceSession | undefined {
    return this.#current().sessionList.describe(key, row)
  }

  revoke(key: string): Promise<boolean> {
    return this.#current().sessionList.revoke(key)
  }

  monthlyActiveUsers(month: string | undefined): Promise<number> {
    return this.#current().userActivity.countMonth(month)
  }

  pageGuard(rules: GuardRules): AdminPageGuard {
    const { passes, mounts } = this.#state
    return new PageGuard({ gate: this.#gate, rules, current: this.#current, passes, mounts })
  }
}
