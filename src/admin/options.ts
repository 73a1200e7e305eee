import type { AdminAccess } from '../middleware/admin-access.js'
import type { Field, Mistakes } from '../schema/field.js'
import { isPlainObject, parseFields, readFields } from '../schema/read-fields.js'
import { boolean, custom, func } from '../schema/types.js'
import { accessOf } from './administered-module.js'
import {
  type AdminPagesConfig,
  adminPagesField,
  type AdminPagesOptions,
} from './pages/page-options.js'
import { type Retention, retentionField, type RetentionOptions } from './retention.js'
import type { AdminToken } from './tokens.js'

/** Where an address is, as far as known, in ngrok's format. */
export interface AddressLocation {
  /** ISO 3166-1 code of the country, such as `DE`. */
  readonly country_code?: string | null | undefined
  /** In degrees. */
  readonly latitude?: number | null | undefined
  /** In degrees. */
  readonly longitude?: number | null | undefined
  /** Radius around the coordinates in which the address is, in kilometers. */
  readonly lat_long_radius_km?: number | null | undefined
}

/** A token that may do less than everything. */
export interface AdminTokenOptions {
  /** At least 32 visible ASCII characters. */
  token: string
  /** Whether the token may only read: `DELETE` is rejected with 403. Default `false`. */
  readOnly?: boolean | undefined
}

/** The options of {@link adminRouter}. */
export interface AdminOptions {
  /**
   * The tokens by name, each with at least 32 visible ASCII characters, such as the output of
   * `openssl rand -hex 32`. The name is in the log, the token is not.
   */
  tokens: Readonly<Record<string, string | AdminTokenOptions>>
  /**
   * Finds where an IP address is, for example in a GeoIP database. Default: `location` is `null`.
   */
  locate?:
    | ((
        ip: string,
      ) => AddressLocation | null | undefined | Promise<AddressLocation | null | undefined>)
    | undefined
  /**
   * Whether the API may disable a gate, so that every request passes without a login. Default
   * `false`: it responds with 403.
   */
  allowDisable?: boolean | undefined
  /**
   * How long the store keeps the audit log and earlier configurations, in seconds: `{ audit: 90 *
   * 86_400 }`. Default: one year.
   */
  retention?: RetentionOptions | undefined
  /**
   * Web pages with users, sessions, usage, configuration and the audit log, for users of a gate who
   * meet rules. They are at the path of the router. Default: none.
   */
  pages?: AdminPagesOptions | undefined
}

/** A gate under the names that it has in the API. */
export interface NamedGate {
  readonly edge: string
  readonly route: string
  readonly access: AdminAccess
}

/** The parsed arguments of {@link adminRouter}. */
export interface AdminConfig {
  /** At least one. */
  readonly gates: readonly [NamedGate, ...NamedGate[]]
  readonly tokens: readonly AdminToken[]
  readonly locate: AdminOptions['locate']
  readonly retention: Retention
  readonly allowDisable: boolean
  readonly pages: AdminPagesConfig | undefined
}

const AT = 'adminRouter()'
const TOKEN = /^[\x21-\x7e]+$/
const MIN_LENGTH = 32
const TOKEN_NAME = /^[\w.-]+$/
const MODULE_KEY = /^([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)$/

/** A token of the API. */
export const adminTokenField = custom<string>(
  (value, mistakes) =>
    typeof value === 'string' && value.length >= MIN_LENGTH && TOKEN.test(value)
      ? value
      : mistakes.add('must have at least 32 visible ASCII characters: see `openssl rand -hex 32`'),
  { type: 'secret' },
)

const tokenField = adminTokenField.required('is missing: at least 32 visible ASCII characters')

const tokenFields = {
  token: tokenField,
  readOnly: boolean().default(false),
} satisfies Record<keyof AdminTokenOptions, Field>

const adminFields = {
  tokens: custom(parseTokens).required("is missing: set it, as in { deploy: '…' }"),
  locate: func<NonNullable<AdminOptions['locate']>>(),
  allowDisable: boolean().default(false),
  retention: retentionField,
  pages: adminPagesField,
} satisfies Record<keyof AdminOptions, Field>

/** Checks the arguments. Throws a `TypeError` that names the option and the fix. */
export function parseAdmin(modules: unknown, options: unknown): AdminConfig {
  const values = parseFields(adminFields, options, AT)
  return { ...values, gates: parseModules(modules) }
}

function parseTokens(value: unknown, mistakes: Mistakes): readonly AdminToken[] | undefined {
  if (!isPlainObject(value) || Object.keys(value).length === 0)
    return mistakes.add("must be an object of tokens by name, as in { deploy: '…' }")
  const tokens = Object.entries(value).flatMap(([name, given]): readonly AdminToken[] => {
    if (!TOKEN_NAME.test(name)) {
      mistakes.add('has a name with other characters than letters, digits, ".", "_" and "-"')
      return []
    }
    return parseToken(name, given, mistakes.at(name)) ?? []
  })
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length)
    mistakes.add('has the same token under two names')
  return tokens
}

function parseToken(
  name: string,
  given: unknown,
  mistakes: Mistakes,
): readonly AdminToken[] | undefined {
  if (!isPlainObject(given)) {
    const token = tokenField.parse(given, mistakes)
    return token === undefined ? undefined : [{ name, token, isReadOnly: false }]
  }
  const { token, readOnly } = readFields(tokenFields, given, mistakes)
  return mistakes.hasAny() ? undefined : [{ name, token, isReadOnly: readOnly }]
}

function parseModules(modules: unknown): AdminConfig['gates'] {
  if (!isPlainObject(modules))
    throw new TypeError(`${AT} needs an object of modules, as in { 'edge/route': auth }`)
  const [first, ...others] = Object.entries(modules).map(parseModule)
  if (first === undefined) throw new TypeError(`${AT} needs at least one module`)
  if (others.some(({ access }) => access.store !== first.access.store))
    throw new TypeError(
      `${AT} needs modules that share one store: pass the same object as the option store of each of them`,
    )
  return [first, ...others]
}

function parseModule([key, module]: readonly [string, unknown]): NamedGate {
  const [, edge, route] = MODULE_KEY.exec(key) ?? []
  if (edge === undefined || route === undefined)
    throw new TypeError(
      `${AT} needs names of modules of the form 'edge_id/route_id', of letters, digits, "_" and "-"`,
    )
  const access = accessOf(module)
  if (access === undefined)
    throw new TypeError(`${AT}: ${key} is not a middleware of oauthModule() of this release`)
  return { edge, route, access }
}
