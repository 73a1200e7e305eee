import type { StoredConnection } from '../../options/stored-change.js'
import type { AdminErrorCode } from '../error-codes.js'
import { AdminError } from '../errors.js'
import { printable } from '../strict-json.js'
import type { ConnectionOptionsJson } from './connection-fields.js'

/** A change of a connection, as the body of a request states it. */
export interface ConnectionRequest {
  readonly display_name: string | undefined
  readonly options: ConnectionOptionsJson | undefined
}

function reject(code: AdminErrorCode, field: string, message?: string): never {
  throw new AdminError(code, { field, ...(message !== undefined && { message }) })
}

/**
 * A connection after a change. `options` replaces everything that Auth0's JSON can express; without
 * it, only the name changes. Throws an {@link AdminError} that names the field.
 */
export function changeConnection(
  { display_name: displayName, options }: ConnectionRequest,
  current: StoredConnection,
): StoredConnection {
  const name = displayName ?? current.displayName
  const named = name === undefined ? {} : { displayName: name }
  if (options === undefined) return { ...current, ...named }
  const { authorizationURL: authorizationUrl, tokenURL: tokenUrl, icon_url: iconUrl } = options
  if (authorizationUrl === undefined) return reject('missing_field', 'options.authorizationURL')
  if (tokenUrl === undefined) return reject('missing_field', 'options.tokenURL')
  const endpoints = { authorizationUrl, tokenUrl }
  const { scope: scopes, authParams, authParamsMap } = options
  const tokenHeaders = headersOf(options, current, tokenUrl)
  return {
    ...named,
    ...endpoints,
    ...clientOf(options, current, endpoints),
    ...(iconUrl !== undefined && { iconUrl }),
    ...(scopes !== undefined && { scopes }),
    ...(authParams !== undefined && { authorizationParams: authParams }),
    ...(authParamsMap !== undefined && { authorizationParamsMap: authParamsMap }),
    ...(tokenHeaders !== undefined && { tokenHeaders }),
  }
}

/**
 * The client of a connection. Without a secret in the body, that of before stays only as long as it
 * is sent to the same origins for the same client: a token of the API alone must not be enough to
 * have it sent elsewhere.
 */
function clientOf(
  { client_id: clientId, client_secret: clientSecret }: ConnectionOptionsJson,
  current: StoredConnection,
  endpoints: Pick<StoredConnection, 'authorizationUrl' | 'tokenUrl'>,
): Pick<StoredConnection, 'clientId' | 'clientSecret'> {
  if (clientId === undefined && (current.clientId !== undefined || clientSecret !== undefined))
    return reject('missing_field', 'options.client_id')
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret }
  if (!isSameClient({ clientId, ...endpoints }, current))
    return reject('client_secret_required', 'options.client_secret')
  const { clientSecret: kept } = current
  return {
    ...(clientId !== undefined && { clientId }),
    ...(kept !== undefined && { clientSecret: kept }),
  }
}

/** Whether secrets and tokens of one connection may reach the endpoints of the other one. */
export function isSameClient(a: ClientAndEndpoints, b: ClientAndEndpoints): boolean {
  return (
    a.clientId === b.clientId &&
    isSameOrigin(a.authorizationUrl, b.authorizationUrl) &&
    isSameOrigin(a.tokenUrl, b.tokenUrl)
  )
}

interface ClientAndEndpoints {
  readonly clientId?: string | undefined
  readonly authorizationUrl: string
  readonly tokenUrl: string
}

function isSameOrigin(url: string, other: string): boolean {
  return new URL(url).origin === new URL(other).origin
}

/** The headers of the body. An empty value keeps that of before, but never for another origin. */
function headersOf(
  { customHeaders }: ConnectionOptionsJson,
  current: StoredConnection,
  tokenUrl: string,
): StoredConnection['tokenHeaders'] {
  if (customHeaders === undefined) return undefined
  const kept = isSameOrigin(tokenUrl, current.tokenUrl) ? (current.tokenHeaders ?? {}) : {}
  const entries = Object.entries(customHeaders).map(([name, value]) => {
    if (value !== '') return [name, value] as const
    const [, of] =
      Object.entries(kept).find(([known]) => known.toLowerCase() === name.toLowerCase()) ?? []
    return [
      name,
      of ?? reject('ERR_NGROK_215', printable(`options.customHeaders.${name}`), NO_HEADER),
    ] as const
  })
  return Object.fromEntries(entries)
}

const NO_HEADER =
  'The value is empty, and there is none to keep: a header is never carried to another origin.'
