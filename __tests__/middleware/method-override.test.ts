import { afterEach, describe, expect, test } from '@jest/globals'
import type { Express, RequestHandler } from 'express'
import methodOverride from 'method-override'
import { startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { providerOf, startVendor } from '../support/providers.js'

afterEach(stopAll)

/** By default, the package overrides the method of a POST only. */
const anyMethod = { methods: null } as unknown as methodOverride.MethodOverrideOptions

/** How apps override methods. */
const overrides: Record<string, RequestHandler> = {
  header: methodOverride('X-HTTP-Method-Override', anyMethod),
  query: methodOverride('_method', anyMethod),
  'the middleware of an app': (req, _res, next) => {
    req.method = String(req.headers['x-http-method-override'])
    next()
  },
}

async function startApp(override: RequestHandler, place: 'before' | 'behind') {
  const deleted: string[] = []
  const vendor = await startVendor('oidc')
  const gate = await startGate(
    { provider: providerOf(vendor), optionsPassthrough: true },
    {
      before: (app: Express) => void (place === 'before' && app.use(override)),
      routes: (app: Express) => {
        if (place === 'behind') app.use(override)
        app.delete('/item', (req, res) => {
          deleted.push(req.url)
          res.end()
        })
        app.options('/item', (_req, res) => void res.sendStatus(204))
      },
    },
  )
  const send = async (method: string) => {
    const headers = { 'X-HTTP-Method-Override': method, 'Sec-Fetch-Mode': 'cors' }
    const url = gate.url(`/item?_method=${method}`)
    const { status } = await createBrowser().request('OPTIONS', url, undefined, { headers })
    return status
  }
  return { gate, deleted, send }
}

describe('C13: with optionsPassthrough, an OPTIONS request', () => {
  test.each(Object.entries(overrides))(
    'stays OPTIONS if a method override behind the gate names another method, and the log tells (%s)',
    async (_name, override) => {
      const { gate, deleted, send } = await startApp(override, 'behind')
      expect([await send('DELETE'), await send('DELETE'), deleted]).toEqual([204, 204, []])
      expect(gate.logged.filter((line) => line.includes('method override'))).toHaveLength(1)
    },
  )

  test.each(Object.entries(overrides).slice(0, 2))(
    'gets 401 if a method override in front of the gate names another method (%s)',
    async (_name, override) => {
      const { deleted, send } = await startApp(override, 'before')
      expect([await send('DELETE'), deleted]).toEqual([401, []])
    },
  )

  test('passes as before with a method override that names OPTIONS', async () => {
    for (const override of Object.values(overrides)) {
      const { gate, send } = await startApp(override, 'behind')
      expect(await send('OPTIONS')).toBe(204)
      expect(gate.logged.filter((line) => line.includes('method override'))).toEqual([])
    }
  })
})
