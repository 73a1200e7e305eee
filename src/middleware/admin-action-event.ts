import type { OriginatedEvent } from './session-event-types.js'

/** Who acts: the name of a token of the admin API, or the key of a user of the admin pages. */
export type AdminActor = { readonly tokenName: string } | { readonly admin: string }

/** What administrators can do. */
export type AdminAction =
  | 'delete_user'
  | 'end_session'
  | 'end_sessions'
  | 'block_user'
  | 'unblock_user'
  | 'replace_module'
  | 'disable_gate'
  | 'open_gate'
  | 'change_connection'

/** What changed in one field of a configuration. */
export interface FieldChange {
  /** Path of the field, as in `provider.github.teams`. */
  readonly field: string
  /** The value before; absent if there was none, and of a secret. */
  readonly before?: unknown
  /** The value after; absent if there is none, and of a secret. */
  readonly after?: unknown
  /** Whether the values are secret: only the fact of the change is recorded. */
  readonly isSecret?: true
}

/** The payload of `admin_action`. */
export interface AdminActionEvent extends OriginatedEvent {
  /** Who acted: the name of a token, or the key of the user who was signed in. */
  readonly actor: AdminActor
  /** What was done. */
  readonly action: AdminAction
  /** What it concerned: IDs by name, as in `{ user: 'github:583231' }`. */
  readonly resource: Readonly<Record<string, string>>
  /** The fields of the configuration that changed. Default: none. */
  readonly changes?: readonly FieldChange[]
}
