import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

export const webClient = { clientId: 'web', clientSecret: 'the secret of the browser login' }

/**
 * An authorization server for the examples with access tokens, in place of your own: any login name
 * works. It issues JWTs (RFC 9068) for the resource that a client names (RFC 8707), registers MCP
 * clients (RFC 7591), and signs in command-line tools (RFC 8628, RFC 8252).
 */
export async function startAuthorizationServer(scope: string): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: webClient.clientId,
        client_secret: webClient.clientSecret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
      {
        client_id: 'cli',
        token_endpoint_auth_method: 'none',
        // With any port. (RFC 8252, 7.3)
        redirect_uris: ['http://127.0.0.1/callback'],
        response_types: ['code'],
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    // MCP clients on this machine have redirect URIs over plain http.
    clientDefaults: { application_type: 'native', id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['only for examples'] },
    jwks: {
      keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'example' }],
    },
    scopes: ['openid', ...scope.split(' ')],
    features: {
      deviceFlow: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          audience: resource,
          scope,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    clientBasedCORS: () => true,
  })
  const handle = provider.callback()
  server.on('request', async (req, res) => {
    // Clients register with the scopes of their first request, and need others later.
    if (req.method === 'POST' && req.url === '/reg') {
      const { scope: _, ...metadata } = JSON.parse(await text(req)) as Record<string, unknown>
      Object.assign(req, { body: metadata })
    }
    await handle(req, res)
  })
  return issuer
}
