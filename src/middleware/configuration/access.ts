import type { StoredChange } from '../../options/stored-change.js'
import type { StoredDocument } from './document.js'

/** One version of the configuration of a gate. */
export interface StoredVersion {
  /** Counts the changes, from 1; 0 if the store has no change. */
  readonly version: number
  /** `undefined`: the configuration of the code. */
  readonly change: StoredChange | undefined
  /** In milliseconds; 0 without a change. */
  readonly changedAt: number
  /** Who made it, as {@link ChangeRequest} names it. */
  readonly changedBy: string
  /** The option `configVersion` of the release that it was made on. */
  readonly configVersion: number
}

/** Who changes the configuration, and on which version. */
export interface ChangeRequest {
  /** For the log and the history. */
  readonly changedBy: string
  /** Rejects the change if the current version is another one. Default: the last writer wins. */
  readonly ifVersion?: number | undefined
  /** How long the replaced version stays in the history, in seconds. Default: 400 days. */
  readonly keepHistory?: number | undefined
}

/**
 * Why a configuration was not changed:
 * - `not_followed`: the gate does not have the option `configVersion`
 * - `stale_version`: the current version is another one than the change was made on
 * - `stale_config_version`: the store has the configuration of a later release
 * - `unreadable`: the record in the store was not written with the secret of the gate
 * - `conflict`: other processes changed the configuration each time
 */
export type ConfigChangeErrorCode =
  'not_followed' | 'stale_version' | 'stale_config_version' | 'unreadable' | 'conflict'

const MESSAGES: Readonly<Record<ConfigChangeErrorCode, string>> = {
  not_followed:
    'The configuration of this gate cannot be changed: set its option configVersion, so that its processes follow the store.',
  stale_version: 'The configuration has been changed in the meantime: read it again.',
  stale_config_version:
    'The stored configuration is of a later release: send the change to a process of that release, or deploy one with a greater configVersion.',
  unreadable:
    'The stored configuration cannot be read: it was written with another secret, or is damaged. The log of the app states the key of its record.',
  conflict: 'Other changes came in between each time. Try again.',
}

/** A change of the configuration that was rejected. An invalid one is a `TypeError` instead. */
export class ConfigChangeError extends Error {
  readonly code: ConfigChangeErrorCode

  constructor(code: ConfigChangeErrorCode) {
    super(MESSAGES[code])
    this.name = 'ConfigChangeError'
    this.code = code
  }
}

/** Reads and changes the configuration of one gate. */
export interface ConfigurationAccess {
  /** The option of this name; `undefined`: every change is rejected with `not_followed`. */
  readonly configVersion: number | undefined
  /** The key of the record in the store. Gates with the same key have the same configuration. */
  readonly key: string
  /**
   * The options in effect: those of the code with the change. They contain secrets and functions:
   * never send them.
   */
  readonly options: Readonly<Record<string, unknown>>
  /** The options of the code alone. */
  readonly codeOptions: Readonly<Record<string, unknown>>
  /** Whether authentication is enforced: the option `enabled`. */
  readonly isEnabled: boolean
  /** Whether changes end with the process, as with `memoryStore()`. */
  readonly isVolatile: boolean
  /**
   * The current version, read from the store, which is then in effect in this process.
   *
   * @throws OAuthError `store_unavailable`; ConfigChangeError `unreadable`.
   */
  current(): Promise<StoredVersion>
  /**
   * Changes the configuration as it is in the store, so that no other change is lost, and puts it
   * into effect in this process. `update` may be called several times, and may throw. Returning
   * `undefined` goes back to the configuration of the code; an equal change makes no new version.
   *
   * @throws TypeError that lists all mistakes, as `reconfigure()` does; ConfigChangeError; OAuthError
   *   `store_unavailable`, after which the change may have been stored nevertheless. In all other
   *   cases, nothing has changed.
   */
  change(
    update: (current: StoredChange | undefined) => StoredChange | undefined,
    request: ChangeRequest,
  ): Promise<StoredVersion>
  /**
   * Versions that were replaced, newest first.
   *
   * @param before Only versions before this one. Default: all.
   * @throws OAuthError `store_not_listable` if the store cannot list.
   */
  history(limit: number, before?: number): AsyncIterable<StoredVersion>
  /** The names of the options in which two changes differ, as in `provider.github.teams`. */
  differences(before: StoredChange | undefined, after: StoredChange | undefined): readonly string[]
}

/** A document for callers: without what is internal. */
export function toStoredVersion({
  version,
  change,
  changedAt,
  changedBy,
  configVersion,
}: StoredDocument): StoredVersion {
  return { version, change, changedAt, changedBy, configVersion }
}
