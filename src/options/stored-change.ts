import { isPlainObject } from '../schema/read-fields.js'
import { Mistakes } from '../schema/field.js'
import { type BuiltinName, isBuiltinName } from '../providers/index.js'

/** A built-in provider of a {@link StoredModule}. Absent members: not set. */
export interface StoredProvider {
  /** Without `clientId` and `clientSecret`: the managed application. */
  readonly clientId?: string
  readonly clientSecret?: string
  readonly scopes?: readonly string[]
  readonly emailAddresses?: readonly string[]
  readonly emailDomains?: readonly string[]
  readonly teams?: readonly string[]
  readonly organizations?: readonly string[]
}

/** What ngrok's JSON of an edge can express. Durations are in seconds. */
export interface StoredModule {
  readonly enabled: boolean
  /** The built-in providers by name. Those that are not listed do not exist. */
  readonly provider: Readonly<Partial<Record<BuiltinName, StoredProvider>>>
  readonly optionsPassthrough: boolean
  readonly inactivityTimeout: number
  readonly maximumDuration: number
  readonly authCheckInterval: number
}

/** What Auth0's JSON of a connection can express. Absent members: not set. */
export interface StoredConnection {
  readonly displayName?: string
  readonly iconUrl?: string
  readonly authorizationUrl: string
  readonly tokenUrl: string
  readonly scopes?: readonly string[]
  readonly authorizationParams?: Readonly<Record<string, string>>
  readonly authorizationParamsMap?: Readonly<Record<string, string>>
  readonly tokenHeaders?: Readonly<Record<string, string>>
  readonly clientId?: string
  readonly clientSecret?: string
}

/** What a change that is kept in the store replaces. Absent members: as in the code. */
export interface StoredChange {
  /**
   * The built-in providers and the other options that the JSON of an edge can express. Options of a
   * provider that it cannot express stay as in the code.
   */
  readonly module?: StoredModule
  /** By the name of an `oauth2Provider()` of the code. Its other options stay. */
  readonly connections?: Readonly<Record<string, StoredConnection>>
}

type Shape = (value: unknown) => boolean

const isString: Shape = (value) => typeof value === 'string'
const isBoolean: Shape = (value) => typeof value === 'boolean'
const isNumber: Shape = (value) => typeof value === 'number'
const areStrings: Shape = (value) => Array.isArray(value) && value.every(isString)
const isRecord: Shape = (value) => isPlainObject(value) && Object.values(value).every(isString)

type Shapes<T> = Readonly<Record<keyof T, Shape>>

const providerShapes: Shapes<StoredProvider> = {
  clientId: isString,
  clientSecret: isString,
  scopes: areStrings,
  emailAddresses: areStrings,
  emailDomains: areStrings,
  teams: areStrings,
  organizations: areStrings,
}

const moduleShapes: Shapes<StoredModule> = {
  enabled: isBoolean,
  provider: isPlainObject,
  optionsPassthrough: isBoolean,
  inactivityTimeout: isNumber,
  maximumDuration: isNumber,
  authCheckInterval: isNumber,
}

const connectionShapes: Shapes<StoredConnection> = {
  displayName: isString,
  iconUrl: isString,
  authorizationUrl: isString,
  tokenUrl: isString,
  scopes: areStrings,
  authorizationParams: isRecord,
  authorizationParamsMap: isRecord,
  tokenHeaders: isRecord,
  clientId: isString,
  clientSecret: isString,
}

/** The options of a built-in provider that a {@link StoredModule} replaces. */
export const storedProviderOptions: readonly string[] = Object.keys(providerShapes)
/** The options of an `oauth2Provider()` that a {@link StoredConnection} replaces. */
export const storedConnectionOptions: readonly string[] = Object.keys(connectionShapes)
/** The options of `oauthModule()` that a {@link StoredModule} replaces, in addition to `provider`. */
export const storedModuleOptions: readonly Exclude<keyof StoredModule, 'provider'>[] = [
  'enabled',
  'optionsPassthrough',
  'inactivityTimeout',
  'maximumDuration',
  'authCheckInterval',
]

/** Every process reads it at each start. */
const MAX_LENGTH = 262_144

/**
 * A copy of a change that came from another process, or from a caller. Throws a `TypeError` for
 * members that a change does not have: a change must not reach other options. Whether the values
 * are valid shows when they are parsed as options.
 */
export function readStoredChange(value: unknown): StoredChange {
  const json = JSON.stringify(value ?? null)
  const change: unknown = JSON.parse(json)
  const mistakes = new Mistakes('change')
  if (json.length > MAX_LENGTH) mistakes.add(`must have at most ${MAX_LENGTH} characters as JSON`)
  if (checkShape(change, { module: isPlainObject, connections: isPlainObject }, [], mistakes)) {
    const { module, connections } = change
    if (module !== undefined) checkModule(module, mistakes.at('module'))
    for (const [name, connection] of Object.entries(connections ?? {})) {
      const at = mistakes.at('connections').at(name)
      checkShape(connection, connectionShapes, ['authorizationUrl', 'tokenUrl'], at)
    }
  }
  mistakes.throwIfAny()
  return change as StoredChange
}

function checkModule(module: unknown, mistakes: Mistakes): void {
  if (!checkShape(module, moduleShapes, Object.keys(moduleShapes), mistakes)) return
  for (const [name, provider] of Object.entries(module['provider'] ?? {})) {
    const at = mistakes.at('provider').at(name)
    if (isBuiltinName(name)) checkShape(provider, providerShapes, [], at)
    else at.add('is not the name of a built-in provider')
  }
}

function checkShape(
  value: unknown,
  shapes: Readonly<Record<string, Shape>>,
  required: readonly string[],
  mistakes: Mistakes,
): value is Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> {
  if (!isPlainObject(value)) return mistakes.add('must be an object') ?? false
  for (const name of required) if (!Object.hasOwn(value, name)) mistakes.at(name).add('is missing')
  for (const [name, member] of Object.entries(value)) {
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined
    if (shape === undefined) mistakes.at(name).add('cannot be changed in the store')
    else if (!shape(member)) mistakes.at(name).add('has the wrong type')
  }
  return !mistakes.hasAny()
}
