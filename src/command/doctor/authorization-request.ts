import { randomBytes } from 'node:crypto'
import {
  authorizationParams,
  protocolParams,
  scopesToRequest,
} from '../../flows/authorization-params.js'
import type { Connection } from '../../flows/connection.js'
import { offlineRequest } from '../../flows/offline-access.js'
import { randomId } from '../../http/ids.js'

/** The authorization request of a login. */
export interface AuthorizationRequest {
  readonly url: string
  readonly state: string
  readonly scopes: readonly string[]
}

/** Characters of the `state` of a usual login. */
const STATE_BYTES = 360

/** The authorization request that a login of this connection would send. (RFC 6749, 4.1.1) */
export async function authorizationRequest(
  connection: Connection,
  redirectUri: string,
): Promise<AuthorizationRequest> {
  const { provider, client } = connection
  const offline = await offlineRequest(connection)
  const guarded = { organizations: [], teams: [], groups: [] }
  const scopes = scopesToRequest(provider, offline, guarded, { returnPath: '/' }, undefined)
  const state = randomBytes(STATE_BYTES).toString('base64url')
  const started = { state, nonce: randomId(), codeChallenge: randomId(), cookieName: '' }
  const url = await client.authorizationUrl({
    ...(await authorizationParams(connection, offline, undefined, undefined)),
    ...protocolParams(provider, redirectUri, scopes, started),
  })
  return { url, state, scopes }
}
