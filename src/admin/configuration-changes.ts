import type { StoredChange } from '../options/stored-change.js'
import type {
  AdminAction,
  ConfigChangeErrorCode,
  ConfigurationAccess,
  EventOrigin,
  StoredVersion,
} from '../middleware/admin-access.js'
import type { AuditLog } from './audit-log.js'
import type { AdminErrorCode } from './error-codes.js'
import { AdminError, isStoreError } from './errors.js'
import { checkIfMatch, etagOf } from './etag.js'
import type { CheckedOptions } from './gate-options.js'
import type { NamedGate } from './options.js'
import { printable } from './strict-json.js'

/** A change of the configuration of a gate. */
export interface ConfigurationChange {
  readonly gate: NamedGate
  readonly auditLog: AuditLog
  readonly action: AdminAction
  /** What is changed, for the audit log. */
  readonly resource: Readonly<Record<string, string>>
  /** The name of the token. */
  readonly changedBy: string
  /** For the audit log. */
  readonly origin: EventOrigin
  /** The header of the request. */
  readonly ifMatch: string | undefined
  /** What replaces the stored change. It may run several times, and throw an {@link AdminError}. */
  readonly update: (change: StoredChange | undefined) => StoredChange
  /** The field of the body for an option in a message, as in `provider.github.teams`. */
  readonly fieldOf: (option: string) => string
  /** How long the configuration that is replaced is kept, in milliseconds. */
  readonly historyMs: number
}

/** The configuration that is in effect, read from the store. */
export interface CurrentConfiguration {
  /** `undefined`: that of the code, or `options`. */
  readonly change: StoredChange | undefined
  /** What is in effect without the change. */
  readonly options: CheckedOptions
  readonly etag: string
}

/** The configuration of a gate. Rejects with an {@link AdminError} if it cannot be read. */
export async function currentConfiguration({ access }: NamedGate): Promise<CurrentConfiguration> {
  const { configuration } = access
  const { configVersion } = configuration
  const { version, change, configVersion: madeOn } = await readVersion(configuration)
  const isInEffect = madeOn === configVersion
  return {
    change: isInEffect ? change : undefined,
    options: isInEffect ? configuration.codeOptions : configuration.options,
    etag: etagOf({ configVersion, version }),
  }
}

/**
 * Changes the configuration of a gate, in the store and in this process. Rejects with an
 * {@link AdminError} if the change is not valid, and if another one came first.
 */
export async function changeConfiguration(request: ConfigurationChange): Promise<StoredVersion> {
  const { changedBy, ifMatch, historyMs } = request
  const { configuration } = request.gate.access
  const { configVersion } = configuration
  if (configVersion === undefined) throw new AdminError('config_not_followed')
  const { version } = await readVersion(configuration)
  checkIfMatch(ifMatch, { configVersion, version })
  const isConditional = ifMatch !== undefined && ifMatch.trim() !== '*'
  try {
    return await configuration.change(request.update, {
      changedBy,
      keepHistory: historyMs / 1000,
      ...(isConditional && { ifVersion: version }),
    })
  } catch (error) {
    // The store may have the change nevertheless.
    if (isStoreError(error)) await recordUnknownOutcome(request)
    throw fromChangeError(error, request.fieldOf)
  }
}

async function recordUnknownOutcome(request: ConfigurationChange): Promise<void> {
  const { auditLog, action, changedBy, origin, resource } = request
  const actor = { tokenName: changedBy }
  const unknown = { ...resource, outcome: 'unknown' }
  await auditLog.record({ actor, action, resource: unknown, origin })
}

function readVersion(configuration: ConfigurationAccess): Promise<StoredVersion> {
  return configuration.current().catch((error: unknown) => {
    throw fromChangeError(error, (option) => option)
  })
}

/** The errors of the API for those of a gate. */
const CHANGE_ERRORS: Readonly<Record<ConfigChangeErrorCode, AdminErrorCode>> = {
  not_followed: 'config_not_followed',
  stale_version: 'stale_version',
  stale_config_version: 'stale_config_version',
  unreadable: 'config_unreadable',
  conflict: 'conflict',
}

/** By name: the gate may be of another copy of the package. */
function isChangeError(error: Error): error is Error & { readonly code: ConfigChangeErrorCode } {
  return (
    error.name === 'ConfigChangeError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(CHANGE_ERRORS, error.code)
  )
}

/** The error of the API for one of a gate, which may be of another copy of the package. */
function fromChangeError(error: unknown, fieldOf: (option: string) => string): unknown {
  if (error instanceof AdminError || !(error instanceof Error)) return error
  if (isChangeError(error)) {
    const code = CHANGE_ERRORS[error.code]
    return new AdminError(code, code === 'stale_version' ? { field: 'If-Match' } : {})
  }
  return error instanceof TypeError ? fromOptionMistakes(error.message, fieldOf) : error
}

const MAX_MESSAGE_LENGTH = 1000

/**
 * Messages about options name the option and the fix, one mistake a line, and never quote a value.
 * The first one names the field.
 */
function fromOptionMistakes(message: string, fieldOf: (option: string) => string): AdminError {
  const [name = ''] = message.split(' ', 1)
  const option = name.includes('.') ? name.slice(name.indexOf('.') + 1) : ''
  const text = message
    .replaceAll(/^(?:reconfigure\(\)|oauthModule)\.?/gm, '')
    .replaceAll('\n', '; ')
  return new AdminError('ERR_NGROK_7028', {
    field: printable(fieldOf(option)),
    message: `The configuration is not valid: ${text.slice(0, MAX_MESSAGE_LENGTH)}`,
  })
}

/** What an administrator should know about every change of a gate. */
export function warningsOf({ access }: NamedGate): readonly string[] {
  return access.configuration.isVolatile ? [VOLATILE] : []
}

const VOLATILE =
  'This change ends with the process: the app keeps its configuration in memory (memoryStore()).'
