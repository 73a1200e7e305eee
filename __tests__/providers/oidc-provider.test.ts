import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { oidcProvider } from '../../src/index.js'
import { startGate, stopAll } from '../support/gate.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { attemptOf, logIn } from '../support/providers.js'
import { createBrowser } from '../support/jar.js'

afterEach(stopAll)

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const redirectUri = 'http://localhost/auth/callback'

let server: OidcServer
beforeAll(async () => {
  server = await startOidcProvider({
    loginAs: 'alice',
    claims: { profile: ['name', 'preferred_username', 'picture', 'groups'] },
  })
})
afterAll(() => server.close())

/** A gate in front of an app that is registered there with this metadata. */
async function register(
  metadata: Record<string, unknown>,
  options: Record<string, unknown> = {},
  at = server,
) {
  const clientId = String(metadata['client_id'] ?? 'the-client')
  const clientSecret = metadata['client_secret']
  const provider = oidcProvider({
    issuer: at.issuer,
    clientId,
    ...(clientSecret !== undefined && { clientSecret: String(clientSecret) }),
    ...options,
  })
  const gate = await startGate({ provider: { op: provider } })
  await at.setClient({
    client_id: clientId,
    redirect_uris: [redirectUri.replace('localhost', `localhost:${gate.port}`)],
    ...metadata,
  })
  return gate
}

const odd = { client_id: 'odd:id/+%20=&?', client_secret: 'odd:secret %+=&/?"\\~' }
const post = { client_secret: 'a-secret', token_endpoint_auth_method: 'client_secret_post' }

describe('every kind of client can log in', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a secret in the body, which is the default', post, {}],
    [
      'a secret in a header',
      { client_secret: 'a-secret', token_endpoint_auth_method: 'client_secret_basic' },
      { clientAuth: 'basic' },
    ],
    [
      'odd characters in a header',
      { ...odd, token_endpoint_auth_method: 'client_secret_basic' },
      { clientAuth: 'basic' },
    ],
    [
      'odd characters in the body',
      { ...odd, token_endpoint_auth_method: 'client_secret_post' },
      {},
    ],
    ['no secret at all', { token_endpoint_auth_method: 'none' }, { clientAuth: 'none' }],
    ['ID tokens signed with ES256', { ...post, id_token_signed_response_alg: 'ES256' }, {}],
    ['signed userinfo', { ...post, userinfo_signed_response_alg: 'RS256' }, {}],
    ['signed userinfo with ES256', { ...post, userinfo_signed_response_alg: 'ES256' }, {}],
    [
      'a private key in PEM',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicKey.export({ format: 'jwk' })] },
      },
      {
        clientAuth: 'private_key_jwt',
        clientSecret: String(privateKey.export({ format: 'pem', type: 'pkcs8' })),
      },
    ],
    [
      'a private key as JWK',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] },
      },
      {
        clientAuth: 'private_key_jwt',
        clientSecret: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'k1' }),
      },
    ],
    ['a rule on groups', post, { groups: ['staff'] }],
  ])('%s', async (_, metadata, options) => {
    const gate = await register(metadata, options)
    const attempt = await logIn({ gate }, '/deep')
    expect(attempt.user).toMatchObject({
      key: 'op:alice',
      name: 'Alice Example',
      email: 'alice@example.com',
      emailVerified: true,
      username: 'alice',
    })
    expect(attempt.seen.url).toBe('/deep')
    expect(await server.takeErrors()).toEqual([])
  })

  test('a wrong secret is a configuration error', async () => {
    const gate = await register(post, { clientSecret: 'wrong' })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'misconfigured' })
    await server.takeErrors()
  })

  test('a user who cancels can try again', async () => {
    const gate = await register(post)
    await server.deny(true)
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'access_denied' })
    await server.deny(false)
    expect((await logIn({ gate })).status).toBe(200)
    await server.takeErrors()
  })

  test('/auth/authn makes the user log in again', async () => {
    const gate = await register(post)
    const browser = createBrowser()
    await logIn({ gate, browser })
    await server.loginAs('bob')
    const attempt = attemptOf(await browser.get(gate.url('/auth/authn')))
    await server.loginAs('alice')
    expect(attempt.user).toMatchObject({ key: 'op:bob' })
  })
})

test('authorization requests are pushed if the server requires it, by a client with a key as well', async () => {
  const strict = await startOidcProvider({ loginAs: 'alice', requirePushedRequests: true })
  try {
    const jwks = { keys: [publicKey.export({ format: 'jwk' })] }
    const options = {
      clientAuth: 'private_key_jwt',
      clientSecret: String(privateKey.export({ format: 'pem', type: 'pkcs8' })),
    }
    for (const gate of [
      await register(post, {}, strict),
      await register(
        { client_id: 'keyed', token_endpoint_auth_method: 'private_key_jwt', jwks },
        options,
        strict,
      ),
    ]) {
      const attempt = await logIn({ gate })
      expect(attempt.user).toMatchObject({ id: 'alice' })
      expect(attempt.authorization.has('redirect_uri')).toBe(false)
      expect(attempt.authorization.get('request_uri')).toMatch(/^urn:/)
    }
  } finally {
    await strict.close()
  }
})

test('a server that restarts with new keys is trusted again', async () => {
  const first = await startOidcProvider({ loginAs: 'alice' })
  const gate = await register(post, {}, first)
  expect((await logIn({ gate })).status).toBe(200)
  await first.close()
  // What is known of it is served while it is away; the login fails where it is really needed.
  expect((await createBrowser().get(gate.url('/'), { follow: false })).status).toBe(302)
  const second = await startOidcProvider({ loginAs: 'bob', port: first.port })
  try {
    await second.setClient({
      client_id: 'the-client',
      redirect_uris: [redirectUri.replace('localhost', `localhost:${gate.port}`)],
      ...post,
    } as never)
    expect((await logIn({ gate })).user).toMatchObject({ id: 'bob' })
  } finally {
    await second.close()
  }
})
