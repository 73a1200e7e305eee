import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type GateSetup, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  API,
  call,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  unused,
} from '../support/token-issuer.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(stopAll)

const METADATA = '/.well-known/oauth-protected-resource'

describe('a rejection', () => {
  test('without a token: 401 with both challenges, the one for tokens first', async () => {
    const gate = await startApi(idp)
    const { status, body, challenge } = await call(gate, undefined)
    expect([status, body['error']]).toEqual([401, 'login_required'])
    expect(body['login_url']).toBeDefined()
    const url = `http://127.0.0.1:${gate.port}${METADATA}`
    expect(challenge).toBe(`Bearer resource_metadata="${url}", Cookie realm="oauth-module"`)
  })

  test('of a token: 401 invalid_token, JSON without a login, and never cached', async () => {
    const gate = await startApi(idp)
    const answer = await call(gate, await idp.token({ aud: 'other' }), {
      headers: { Accept: 'text/html' },
    })
    expect(answer.status).toBe(401)
    expect(answer.body).toEqual({ error: 'invalid_token', message: expect.any(String) })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.challenge).toMatch(
      /^Bearer error="invalid_token", error_description="[^"]+", resource_metadata="[^"]+"$/,
    )
  })

  test('of an expired token says so', async () => {
    const gate = await startApi(idp)
    const exp = Math.floor(Date.now() / 1000) - 100
    const { body, challenge } = await call(gate, await idp.token({ exp, iat: exp - 100 }))
    expect(body['message']).toBe('The access token has expired.')
    expect(challenge).toContain('error_description="The access token has expired."')
  })

  test('by the rules: 403 without an error in the challenge, since no token would help', async () => {
    const gate = await startApi(idp, { entry: { groups: ['admins'] } })
    const { status, body, challenge } = await call(gate, await idp.token())
    expect([status, body['error']]).toEqual([403, 'not_authorized'])
    expect(body['decision_id']).toMatch(/^[0-9a-f]{8}$/)
    expect(challenge).toMatch(/^Bearer resource_metadata="[^"]+"$/)
  })

  test('of a navigation without a token is still a login, as without bearer', async () => {
    const gate = await startApi(idp)
    const page = await createBrowser().get(gate.url('/'), { follow: false })
    expect(page.status).not.toBe(401)
    expect(page.headers['www-authenticate']).toBeUndefined()
  })

  test('without the option bearer has the challenge of before', async () => {
    const gate = await startGate({ provider: { web: unused() } })
    expect((await call(gate, undefined)).challenge).toBe('Cookie realm="oauth-module"')
    // A token means nothing to such a gate.
    const { status, body } = await call(gate, await idp.token())
    expect([status, body['error']]).toEqual([401, 'login_required'])
    expect((await call(gate, undefined, { path: METADATA })).body['error']).toBe('login_required')
  })

  test('reaches onError, with the code', async () => {
    const codes: string[] = []
    const gate = await startApi(idp, {
      options: { onError: (error) => void codes.push(error.code) },
    })
    await call(gate, 'garbage')
    expect(codes).toEqual(['invalid_token'])
  })
})

describe('the owner', () => {
  test('sees in the log why a signed token was rejected', async () => {
    const gate = await startApi(idp)
    await call(gate, await idp.token({ aud: 'https://other.example' }))
    const line = gate.logged.find((one) => one.includes('invalid_token')) ?? ''
    expect(line).toMatch(/^warn .*the aud of the token is not the audience of bearer\.issuers/)
    expect(line).not.toContain('other.example')
  })

  test('is told once that a gate at a path needs resourceMetadata()', async () => {
    const gate = await startApi(idp, { setup: { mount: '/mcp' } })
    const lines = () => gate.logged.filter((line) => line.includes('resourceMetadata()'))
    await call(gate, undefined, { path: '/mcp' })
    await call(gate, 'garbage', { path: '/mcp' })
    expect(lines()).toEqual([
      expect.stringMatching(
        /^warn clients with access tokens cannot find .*the gate at \/mcp does not receive requests to \/\.well-known\/oauth-protected-resource\/mcp: call app\.use\(auth\.resourceMetadata\(\)\)/,
      ),
    ])
  })

  const actions = { issuer: 'https://token.actions.githubusercontent.com' }

  test.each([
    ['the gate is at the root', {}, '/', false],
    ['the app serves the metadata', {}, '/mcp', true],
    ['no client can request a token, as with jobs of CI', actions, '/mcp', false],
  ])('is not told so if %s', async (_, entry, mount, servesMetadata) => {
    const routes: GateSetup['routes'] = (app, auth) => {
      if (servesMetadata) app.use(auth.resourceMetadata())
    }
    const gate = await startApi(idp, { entry, setup: { mount, routes } })
    expect((await call(gate, undefined, { path: mount })).status).toBe(401)
    expect(gate.logged.join('\n')).not.toContain('resourceMetadata()')
  })

  test('sees in the log that tokens for the resource are not in the audience', async () => {
    const resource = 'https://app.example.com/mcp'
    const gate = await startApi(idp, { resource })
    expect((await call(gate, await idp.token({ aud: resource }))).status).toBe(401)
    expect(gate.logged.join('\n')).toMatch(
      /^warn .*the aud of the token is bearer\.resource: add it to the audience/m,
    )
  })

  test('made-up tokens are no warnings', async () => {
    const gate = await startApi(idp)
    await call(gate, 'garbage')
    expect(gate.logged.filter((line) => /^(?:warn|error)/.test(line))).toEqual([])
    expect(gate.logged.join('\n')).toMatch(/info .*invalid_token/)
  })
})

describe('the metadata of the resource', () => {
  test('is public at the root, for pages of any origin', async () => {
    const gate = await startApi(idp, { options: { branding: { appName: 'Reports' } } })
    const { status, body, headers } = await call(gate, undefined, { path: METADATA })
    expect(status).toBe(200)
    expect(body).toEqual({
      resource: `http://127.0.0.1:${gate.port}`,
      authorization_servers: [idp.origin],
      bearer_methods_supported: ['header'],
      resource_name: 'Reports',
    })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(headers.get('set-cookie')).toBeNull()
    expect(gate.reached).toEqual([])
  })

  test('responds to HEAD and to preflights, and to nothing else', async () => {
    const gate = await startApi(idp, { options: { optionsPassthrough: true } })
    const preflight = await call(gate, undefined, {
      path: METADATA,
      method: 'OPTIONS',
      headers: {
        Origin: 'https://client.example',
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'mcp-protocol-version',
      },
    })
    expect(preflight.status).toBe(200)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('*')
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS')
    expect((await call(gate, undefined, { path: METADATA, method: 'HEAD' })).status).toBe(200)
    const post = await call(gate, undefined, { path: METADATA, method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(gate.reached).toEqual([])
  })

  test('of a resource with a path is where RFC 9728 puts it, and at the root', async () => {
    const resource = 'https://app.example.com/mcp'
    const gate = await startApi(idp, { resource })
    for (const path of [METADATA, `${METADATA}/mcp`])
      expect((await call(gate, undefined, { path })).body['resource']).toBe(resource)
    expect((await call(gate, undefined, { path: `${METADATA}/other` })).status).toBe(404)
    expect((await call(gate, undefined)).challenge).toContain(
      `resource_metadata="https://app.example.com${METADATA}/mcp"`,
    )
  })

  test('is that of baseUrl, whatever the Host header contains', async () => {
    const gate = await startApi(idp, {
      options: { baseUrl: 'https://app.example.com' },
    })
    const { body } = await call(gate, undefined, {
      path: METADATA,
      headers: { 'X-Forwarded-Host': 'evil.example' },
    })
    expect(body['resource']).toBe('https://app.example.com')
  })

  test('of a gate at a path is served by resourceMetadata() at the root', async () => {
    const gate = await startApi(idp, {
      setup: { mount: '/mcp', routes: (app, auth) => app.use(auth.resourceMetadata()) },
    })
    const origin = `http://127.0.0.1:${gate.port}`
    expect((await call(gate, undefined, { path: '/mcp' })).challenge).toContain(
      `resource_metadata="${origin}${METADATA}/mcp"`,
    )
    const { body, headers } = await call(gate, undefined, { path: `${METADATA}/mcp` })
    expect(body).toMatchObject({
      resource: `${origin}/mcp`,
      authorization_servers: [idp.origin],
    })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    // The gate itself has none there.
    expect((await call(gate, undefined, { path: `/mcp${METADATA}` })).status).toBe(401)
    expect(gate.reached).toEqual([])
  })

  test('two gates with their own resources do not answer for each other', async () => {
    const resource = (path: string) => `https://app.example.com${path}`
    const first = await startApi(idp, {
      resource: resource('/one'),
      setup: { mount: '/one', routes: (app, auth) => app.use(auth.resourceMetadata()) },
    })
    expect((await call(first, undefined, { path: `${METADATA}/one` })).body['resource']).toBe(
      resource('/one'),
    )
    expect((await call(first, undefined, { path: `${METADATA}/two` })).body['resource']).toBe(
      undefined,
    )
    expect(first.reached).toEqual([`GET ${METADATA}/two`])
  })

  test('leaves out issuers where no client can request a token', async () => {
    const gate = await startGate({
      provider: { web: unused() },
      bearer: {
        issuers: [
          { issuer: 'https://token.actions.githubusercontent.com', audience: API },
          { issuer: idp.origin, audience: API },
          { issuer: idp.origin, audience: 'other' },
        ],
      },
    })
    expect((await call(gate, undefined, { path: METADATA })).body['authorization_servers']).toEqual(
      [idp.origin],
    )
  })

  test('does not exist while the gate is disabled, and resourceMetadata() needs bearer', async () => {
    const disabled = await startApi(idp, { options: { enabled: false } })
    await call(disabled, undefined, { path: METADATA })
    expect(disabled.reached).toEqual([`GET ${METADATA}`])
    const without = await startGate({ provider: { web: unused() } })
    expect(() => without.middleware.resourceMetadata()).toThrow(TypeError)
  })

  test.each(['/%2ewell-known/oauth-protected-resource', `/x/..${METADATA}`, `${METADATA}/`])(
    'other spellings of its path never reach the app: %s',
    async (path) => {
      const gate = await startApi(idp)
      const { request } = await import('node:http')
      const status = await new Promise((resolve) =>
        request({ port: gate.port, host: '127.0.0.1', path }, (res) => {
          res.resume()
          resolve(res.statusCode)
        }).end(),
      )
      expect([200, 404]).toContain(status)
      expect(gate.reached).toEqual([])
    },
  )
})
