import { optionTable } from './auth0-options.js'
import { ImportDraft } from './draft.js'
import {
  convert,
  different,
  type HandlerTable,
  ignored,
  nested,
  sourceObject,
  text,
} from './read.js'
import type { ImportResult } from './result.js'

const PRODUCT = 'Auth0 connection'

/** The strategies that are generic, and what they are here. */
const TYPES: Readonly<Record<string, string>> = { oauth2: 'oauth2', oidc: 'oidc' }

/**
 * Converts a custom connection of Auth0 (strategy `oauth2`, or the enterprise strategy `oidc`): the
 * JSON of its Management API.
 *
 * A profile script is code, and therefore reported as unsupported: pass it to `oauth2Provider()` as
 * `fetchUserProfile`, or set `userinfoUrl` if the endpoint returns `sub`, `id` or `user_id`.
 *
 * ```ts
 * import { fromAuth0Connection } from 'oauth-module/import'
 *
 * const { options, unsupported } = fromAuth0Connection({
 *   name: 'acme',
 *   strategy: 'oauth2',
 *   options: {
 *     authorizationURL: 'https://auth.acme.example/authorize',
 *     tokenURL: 'https://auth.acme.example/token',
 *     client_id: 'id',
 *     client_secret: 'secret',
 *     scope: 'profile',
 *   },
 * })
 * ```
 *
 * @param connection - The connection.
 * @returns Our options, and what differs.
 * @throws {TypeError} If a value has the wrong type. Lists all of them.
 */
export function fromAuth0Connection(connection: unknown): ImportResult {
  const draft = new ImportDraft(PRODUCT)
  const source = sourceObject(connection, PRODUCT)
  const strategy = source['strategy'] ?? 'oauth2'
  const type = typeof strategy === 'string' ? TYPES[strategy] : undefined
  if (typeof strategy !== 'string') draft.mistake('strategy', 'must be a string')
  else if (type === undefined)
    draft.cannot(
      'strategy',
      'is not a generic one: configure the provider of the same vendor, see the pages of the providers.',
    )
  if (type !== undefined) convertConnection(source, type, draft)
  return draft.result()
}

function convertConnection(
  source: Readonly<Record<string, unknown>>,
  type: string,
  draft: ImportDraft,
): void {
  const name = nameOf(source, draft)
  draft.provider(name, { type })
  convert(source, connectionTable(name, type), draft)
  draft.differs(
    'redirect URI',
    "is not Auth0's any more: register <your app>/auth/callback at the provider.",
  )
  draft.differs(
    'user_id',
    `had the prefix ${type}|${name}| at Auth0: user.id is the ID without it.`,
  )
}

/** A `PATCH` of the API has no name. */
function nameOf({ name }: Readonly<Record<string, unknown>>, draft: ImportDraft): string {
  if (typeof name === 'string' && name.trim() !== '') return name.trim()
  if (name !== undefined) draft.mistake('name', 'must be a string')
  else draft.differs('name', "is missing, and 'custom' is used: sessions belong to that name.")
  return 'custom'
}

function connectionTable(provider: string, type: string): HandlerTable {
  return {
    name: ignored,
    id: ignored,
    strategy: ignored,
    realms: ignored,
    is_domain_connection: ignored,
    show_as_button: ignored,
    metadata: different('is not kept: nothing reads it here.'),
    display_name: text((displayName, { draft }) => draft.provider(provider, { displayName })),
    enabled_clients: different('has no counterpart: each app has its own providers.'),
    options: nested((options, { name, draft }) => {
      convert(options, optionTable(provider, type), draft, `${name}.`)
      checkComplete(options, type, draft)
    }),
  }
}

function checkComplete(
  options: Readonly<Record<string, unknown>>,
  type: string,
  draft: ImportDraft,
): void {
  if (type !== 'oauth2') return
  for (const name of ['authorizationURL', 'tokenURL'])
    if (options[name] === undefined) draft.mistake(`options.${name}`, 'is missing')
  if (options['scripts'] === undefined)
    draft.cannot(
      'options.scripts',
      'is missing, so nothing states how the user is read: set userinfoUrl, or pass fetchUserProfile to oauth2Provider().',
    )
}
