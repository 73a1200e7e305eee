import { afterEach, describe, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import { setUp, from, flood, logInFrom, sleep } from '../support/login-flood.js'

afterEach(stopAll)

describe('C6: a client without an account that keeps 260 callbacks with junk codes in flight', () => {
  test('does not keep users at other addresses from logging in, and is limited to 5 token requests at a time', async () => {
    const { vendor, gate, mostAtOnce } = await setUp(500)
    const attack = flood(260, gate, from('203.0.113.9'))
    await sleep(1_500)
    vendor.requests.length = 0
    const startedAt = Date.now()
    const logins = await Promise.all(
      Array.from({ length: 8 }, (_, user) => logInFrom(gate, from(`198.51.100.${user}`))),
    )
    const seconds = (Date.now() - startedAt) / 1000
    const tokenRequests = vendor.requests.filter(({ endpoint }) => endpoint === 'token').length
    await sleep(1_000)
    mostAtOnce()
    await sleep(1_000)
    const most = mostAtOnce()
    await attack.stop()
    expect(logins.map(({ status }) => status)).toEqual(logins.map(() => 200))
    expect(most).toBeLessThanOrEqual(5)
    // The first burst had 50.
    expect(tokenRequests).toBeLessThan(8 + 50 + 10 * (seconds + 1))
  }, 180_000)

  test.each([
    ['no proxy header, at a private address', {}],
    ['a header of a proxy that the app does not trust', from('203.0.113.9')],
  ])(
    'does not keep users behind the same address from logging in: %s',
    async (_, headers) => {
      const { gate } = await setUp(500, false)
      const attack = flood(260, gate, headers)
      await sleep(1_500)
      const logins = await Promise.all(Array.from({ length: 5 }, () => logInFrom(gate, headers)))
      await attack.stop()
      expect(logins.map(({ status }) => status)).toEqual(logins.map(() => 200))
      expect(attack.statuses.filter((status) => status === 503)).toEqual([])
    },
    180_000,
  )
})
