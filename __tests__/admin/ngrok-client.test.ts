import { afterEach, describe, expect, test } from '@jest/globals'
import { Ngrok } from '@ngrok/ngrok-api'
import { adminGate, audit, deploy, startAdmin } from '../support/admin.js'
import { stopAll } from '../support/gate.js'

afterEach(stopAll)

async function scene(apiToken = deploy, gate = adminGate()) {
  const app = await startAdmin({ '/': gate }, { options: { allowDisable: true } })
  // The client resolves localhost to ::1 in some environments.
  const baseUrl = app.api.replace('localhost', '127.0.0.1')
  return { gate, app, ngrok: new Ngrok({ apiToken, baseUrl }) }
}

describe("ngrok's TypeScript client, unchanged", () => {
  test('pages through users and sessions', async () => {
    const { gate, app, ngrok } = await scene()
    for (let count = 0; count < 7; count++)
      await app.enter(gate, { id: `user-${count}`, email: `user-${count}@acme.example` })
    const users = await ngrok.applicationUsers.list(undefined, '3')
    expect(new Set(users.map(({ providerUserId }) => providerUserId)).size).toBe(7)
    const sessions = await ngrok.applicationSessions.list(undefined, '2')
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(7)
    expect(sessions[0]?.browserSession.userAgent.browserName).toBe('Chrome')
    expect(sessions[0]?.applicationUser?.id).toBe(users[0]?.id)
    const later = await ngrok.applicationUsers.list(users[4]?.id)
    expect(later.map(({ id }) => id)).toEqual(users.slice(5).map(({ id }) => id))
    expect(await ngrok.applicationUsers.get(users[3]?.id)).toEqual(users[3])
    expect(await ngrok.applicationSessions.get(sessions[3]?.id)).toEqual(sessions[3])
  })

  test('ends a session and deletes a user, who are out at the next request', async () => {
    const { gate, app, ngrok } = await scene()
    const cookies = [await app.enter(gate, { id: 'ada' }), await app.enter(gate, { id: 'ada' })]
    const visits = async () => Promise.all(cookies.map((cookie) => app.visit(cookie)))
    const [session] = await ngrok.applicationSessions.list()
    await ngrok.applicationSessions.delete(session?.id)
    expect((await visits()).sort()).toEqual([200, 401])
    const [user] = await ngrok.applicationUsers.list()
    await ngrok.applicationUsers.delete(user?.id)
    expect(await visits()).toEqual([401, 401])
    expect(await ngrok.applicationUsers.list()).toEqual([])
  })

  test('reads errors', async () => {
    const { ngrok } = await scene(audit)
    await expect(ngrok.applicationUsers.delete('x')).rejects.toEqual({
      errorCode: 'read_only_token',
      statusCode: 403,
      msg: expect.any(String),
      details: new Map(),
    })
    await expect(ngrok.applicationUsers.list(undefined, '1000')).rejects.toMatchObject({
      errorCode: 'invalid_limit',
      details: new Map([['field', 'limit']]),
    })
    const { ngrok: stranger } = await scene('w'.repeat(32))
    await expect(stranger.applicationSessions.list()).rejects.toMatchObject({ statusCode: 401 })
  })

  test('reads, replaces and disables the OAuth module of an edge', async () => {
    const provider = {
      github: { clientId: 'gh-id', clientSecret: 'gh-secret', organizations: ['acme'] },
    }
    const { app, ngrok } = await scene(deploy, adminGate({ provider, configVersion: 1 }))
    const { edgeRouteOAuthModule: modules } = ngrok.edgeModules
    const route = { edgeId: 'main', id: 'route-0' }
    const module = await modules.get(route)
    expect(module).toMatchObject({
      enabled: true,
      cookiePrefix: 'ngrok.',
      authCheckInterval: 0,
      provider: { github: { clientId: 'gh-id', organizations: ['acme'], emailDomains: [] } },
    })
    module.provider.github?.organizations?.push('labs')
    module.provider.google = {
      clientId: 'g-id',
      clientSecret: 'g-secret',
      scopes: [],
      emailAddresses: [],
      emailDomains: ['acme.example'],
    }
    const replaced = await modules.replace({ ...route, module: { ...module, maximumDuration: 60 } })
    expect(replaced).toMatchObject({
      maximumDuration: 60,
      provider: {
        github: { organizations: ['acme', 'labs'] },
        google: { clientId: 'g-id', emailDomains: ['acme.example'] },
      },
    })
    expect(await modules.get(route)).toEqual(expect.objectContaining({ maximumDuration: 60 }))
    expect(await app.visit('')).toBe(401)
    await modules.delete(route)
    expect(await app.visit('')).toBe(200)
    expect((await modules.get(route)).enabled).toBe(false)
    await modules.replace({ ...route, module: { ...module, enabled: true } })
    expect(await app.visit('')).toBe(401)
  })

  test('reads the errors of a module', async () => {
    const provider = { github: { clientId: 'gh-id', clientSecret: 'gh-secret' } }
    const { ngrok } = await scene(deploy, adminGate({ provider, configVersion: 1 }))
    const { edgeRouteOAuthModule: modules } = ngrok.edgeModules
    const route = { edgeId: 'main', id: 'route-0' }
    const module = await modules.get(route)
    const github = { ...module.provider.github, teams: ['no-slash'] }
    await expect(
      modules.replace({ ...route, module: { ...module, provider: { github } } }),
    ).rejects.toEqual({
      errorCode: 'ERR_NGROK_7040',
      statusCode: 400,
      msg: expect.any(String),
      details: new Map([['field', 'module.provider.github.teams[0]']]),
    })
    await expect(modules.get({ edgeId: 'main', id: 'other' })).rejects.toMatchObject({
      errorCode: 'not_found',
      statusCode: 404,
    })
  })
})
