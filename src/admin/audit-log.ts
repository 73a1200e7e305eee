import { isObject } from '../http/json.js'
import type { AdminAction, AdminActionEvent, ListPosition } from '../middleware/admin-access.js'
import { describeError } from '../middleware/error-reporter.js'
import type { AdminPage } from './administration.js'
import type { NamedGate } from './options.js'
import { signalActions, signalEntry, type SignalEntry } from './signal-entries.js'

/** The actions of the audit log, as a line of the log states them. */
export const auditActions = {
  delete_user: 'deleted a user',
  end_session: 'ended a session',
  end_sessions: 'ended all sessions of a user',
  block_user: 'blocked a user',
  unblock_user: 'unblocked a user',
  replace_module: 'replaced the configuration of a gate',
  disable_gate: 'disabled a gate: every request passes',
  open_gate: 'opened a gate to everyone who can sign in',
  change_connection: 'changed a connection',
} as const satisfies Record<AdminAction, string>

type AuditEvent = AdminActionEvent | SignalEntry

/** An entry of the audit log. */
export type AuditEntry = AuditEvent & {
  /** When the action was taken, in milliseconds. */
  readonly at: number
  /** Where the entry is in the list. */
  readonly position: ListPosition
}

/** What {@link AuditLog} depends on. */
export interface AuditLogDeps {
  /** At least one. They share a store, and each has its own secret. */
  readonly gates: readonly [NamedGate, ...NamedGate[]]
  /** How long entries are kept in the store, in milliseconds; 0: they are only logged. */
  readonly retentionMs: number
}

/** Characters of an entry as JSON. The fields that changed are left out of a longer one. */
const MAX_ENTRY_LENGTH = 16_384
const SOURCES = { tokenName: 'admin API', admin: 'admin pages' } as const

/**
 * Records every action of an administrator, and what signals do: as a line in the log, as an event,
 * and, if the store can list, as an encrypted record that expires.
 */
export class AuditLog {
  readonly #deps: AuditLogDeps

  constructor(deps: AuditLogDeps) {
    this.#deps = deps
  }

  /** Whether {@link page} can return entries. */
  get isKept(): boolean {
    return this.#deps.retentionMs > 0 && this.#records.isListable
  }

  /**
   * Records an action that was taken. A store that fails then is reported, and fails nothing: the
   * action cannot be undone, and its line is in the log.
   */
  async record(event: AdminActionEvent): Promise<void> {
    const { actor, action, resource, changes = [], origin } = event
    const { access } = this.#deps.gates[0]
    const { logger } = access
    const source = 'tokenName' in actor ? SOURCES.tokenName : SOURCES.admin
    logger.audit(`${source}: ${auditActions[action]}`, {
      ...actor,
      ...resource,
      ...(changes.length > 0 && { changed: changes.map(({ field }) => field).join(', ') }),
      ...(origin?.ipAddress !== undefined && { ipAddress: origin.ipAddress }),
      ...(origin?.requestId !== undefined && { requestId: origin.requestId }),
    })
    access.emitAction(event)
    await this.#keep(bounded(event))
  }

  /** Records what signals of other systems do at the gates, in the process where they arrive. */
  recordSignals(): void {
    for (const gate of this.#deps.gates)
      gate.access.onSignal?.((signal) => {
        const entry = signalEntry(gate, signal)
        if (entry === undefined) return
        const message = `signals: ${entry.actor.signal} ${signalActions[entry.action]}`
        gate.access.logger.audit(message, entry.resource)
        void this.#keep(entry)
      })
  }

  async #keep(event: AuditEvent): Promise<void> {
    if (!this.isKept) return
    const { logger } = this.#deps.gates[0].access
    try {
      await this.#records.add('audit', event, this.#deps.retentionMs)
    } catch (error) {
      logger.error('admin API: an entry of the audit log could not be stored', describeError(error))
    }
  }

  /**
   * A page of entries, newest first. Rejects with `store_not_listable` if the store cannot list.
   */
  async page(before: ListPosition | undefined, limit: number): Promise<AdminPage<AuditEntry>> {
    const items: AuditEntry[] = []
    for await (const row of this.#records.list('audit', before, limit + 1)) {
      const [key, { createdAt }] = row
      const event = this.#open(row)
      if (event === undefined) continue
      if (items.length === limit) return { items, hasMore: true }
      items.push({ ...event, at: createdAt, position: { key, createdAt } })
    }
    return { items, hasMore: false }
  }

  /** Any gate may have written the entry, in a process in which it came first. */
  #open(row: Parameters<NamedGate['access']['records']['open']>[0]): AuditEvent | undefined {
    for (const { access } of this.#deps.gates) {
      const value = access.records.open(row)
      if (value !== undefined) return isEvent(value) ? value : undefined
    }
    return undefined
  }

  get #records() {
    return this.#deps.gates[0].access.records
  }
}

function bounded(event: AdminActionEvent): AdminActionEvent {
  if (JSON.stringify(event).length <= MAX_ENTRY_LENGTH) return event
  const changes = (event.changes ?? []).map(({ field }) => ({ field: field.slice(0, 200) }))
  return { ...event, changes }
}

/** A later release may have other actions: their entries are left out. */
function isEvent(value: object): value is AuditEvent {
  const { actor, action, resource, changes = [], origin = {} } = value as Partial<AdminActionEvent>
  return (
    isObject(actor) &&
    typeof action === 'string' &&
    Object.hasOwn('signal' in actor ? signalActions : auditActions, action) &&
    isObject(resource) &&
    Array.isArray(changes) &&
    isObject(origin)
  )
}
