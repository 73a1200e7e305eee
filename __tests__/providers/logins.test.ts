import { afterEach, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import { vendorNames } from '../../src/dev/vendors/index.js'
import { logIn, setUp } from '../support/providers.js'

afterEach(stopAll)

test.each(vendorNames)('%s: a user logs in with only a client id and secret', async (name) => {
  const setting = await setUp(name)
  const attempt = await logIn(setting, '/deep?x=1')
  expect(attempt.seen.url).toBe('/deep?x=1')
  expect(attempt.user).toMatchObject({ provider: name })
  expect(setting.gate.logged.filter((line) => line.startsWith('error'))).toEqual([])
  if (process.env.SHOW)
    console.log(name, JSON.stringify(attempt.user), attempt.authorization.toString())
})
