import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import session from 'express-session'
import type { ExpressSessionStore } from '../../src/index.js'
import {
  allowed,
  by,
  clientOf,
  followingGate,
  githubModule,
  removed,
} from '../support/configuration.js'
import { stopAll } from '../support/gate.js'
import { eventually } from '../support/programs.js'
import { logIn, providerOf, startVendor } from '../support/providers.js'

afterEach(stopAll)

/** Two clients of one database: nothing in this process makes their writes conditional. */
function twoClients(): [ExpressSessionStore, ExpressSessionStore] {
  const rows = new Map<string, string>()
  const client = (): ExpressSessionStore => ({
    async get(sid: string) {
      await sleep(5)
      return JSON.parse(rows.get(sid) ?? 'null') as object | null
    },
    async set(sid: string, value: object) {
      await sleep(5)
      rows.set(sid, JSON.stringify(value))
    },
    destroy: async (sid: string) => void rows.delete(sid),
  })
  return [client(), client()]
}

describe('a store made for express-session', () => {
  test('keeps the configuration, which other processes follow within seconds', async () => {
    const vendor = await startVendor('github')
    const [store, other] = twoClients()
    const first = await followingGate(vendor, { store }, allowed)
    const second = await followingGate(vendor, { store: other }, allowed)
    await first.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    expect((await logIn({ gate: first })).status).toBe(403)
    await eventually('the other process follows', async () =>
      (await logIn({ gate: second })).status === 403 ? true : undefined,
    )
    await expect(
      (async () => {
        for await (const _ of first.configuration.history(1)) break
      })(),
    ).rejects.toMatchObject({ code: 'store_not_listable' })
  })

  test('that lists has a history', async () => {
    const vendor = await startVendor('github')
    const store = new session.MemoryStore()
    const { configuration } = await followingGate(vendor, { store }, allowed)
    const module = githubModule(vendor, removed)
    await configuration.change(() => ({ module }), by)
    await configuration.change(() => undefined, by)
    const versions = []
    for await (const version of configuration.history(5)) versions.push(version)
    expect(versions).toMatchObject([{ version: 1, change: { module } }])
  })

  test('of two writers in two processes at once, both changes are kept, although its writes are not conditional', async () => {
    const vendor = await startVendor('github')
    const oauth2 = await startVendor('oauth2')
    const { acme } = providerOf(oauth2, {}, 'acme') as { acme: never }
    const provider = { ...(providerOf(vendor) as object), acme }
    const [store, other] = twoClients()
    const first = await followingGate(vendor, { store, provider })
    const second = await followingGate(vendor, { store: other, provider })
    const urls = { authorizationUrl: 'https://auth.example/a', tokenUrl: 'https://auth.example/t' }
    const module = githubModule(vendor, allowed)
    for (const maximumDuration of [100, 200, 300]) {
      await Promise.all([
        first.configuration.change(
          (current) => ({ ...current, module: { ...module, maximumDuration } }),
          by,
        ),
        second.configuration.change(
          (current) => ({
            ...current,
            connections: {
              acme: { ...urls, ...clientOf(oauth2), displayName: `Acme ${maximumDuration}` },
            },
          }),
          by,
        ),
      ])
      const { change } = await first.configuration.current()
      expect(change).toMatchObject({
        module: { maximumDuration },
        connections: { acme: { displayName: `Acme ${maximumDuration}` } },
      })
    }
  })
})
