import type { StoredConnection } from '../../options/stored-change.js'
import type { ProviderSetup } from '../../providers/define-provider.js'
import { listOf, stringOf } from '../gate-options.js'

/** The options of a connection that its JSON can express. */
export function connectionOf({ options }: ProviderSetup): StoredConnection {
  const values = options as Readonly<Record<string, unknown>>
  const strings = ['displayName', 'iconUrl', 'clientId', 'clientSecret'].flatMap((name) => {
    const value = stringOf(values[name])
    return value === undefined ? [] : [[name, value] as const]
  })
  const records = ['authorizationParams', 'authorizationParamsMap', 'tokenHeaders'].flatMap(
    (name) => (values[name] === undefined ? [] : [[name, values[name]] as const]),
  )
  const scopes = listOf(values['scopes'])
  return {
    ...(Object.fromEntries([...strings, ...records]) as Partial<StoredConnection>),
    ...(scopes.length > 0 && { scopes }),
    authorizationUrl: String(values['authorizationUrl']),
    tokenUrl: String(values['tokenUrl']),
  }
}

/** A connection in Auth0's format, with its secrets: to compare, never for a response. */
export function secretConnectionView(connection: StoredConnection) {
  const { displayName = null, iconUrl = null, clientId = null, clientSecret = null } = connection
  return {
    display_name: displayName,
    options: {
      client_id: clientId,
      client_secret: clientSecret,
      authorizationURL: connection.authorizationUrl,
      tokenURL: connection.tokenUrl,
      scope: connection.scopes?.join(' ') ?? null,
      icon_url: iconUrl,
      authParams: connection.authorizationParams ?? {},
      authParamsMap: connection.authorizationParamsMap ?? {},
      customHeaders: connection.tokenHeaders ?? {},
    },
  }
}

/** What identifies a connection in responses. */
export interface ConnectionName {
  readonly id: string
  readonly name: string
}

/** A connection as a response contains it: without secrets. Headers may contain some. */
export function connectionView({ id, name }: ConnectionName, connection: StoredConnection) {
  const { display_name, options } = secretConnectionView(connection)
  const { client_secret: _, customHeaders, ...others } = options
  const headers = Object.keys(customHeaders).map((header) => [header, ''])
  return {
    id,
    name,
    strategy: 'oauth2',
    display_name: display_name ?? name,
    options: { ...others, customHeaders: Object.fromEntries(headers) as Record<string, string> },
  }
}
