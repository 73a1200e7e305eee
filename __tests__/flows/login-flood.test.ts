import { afterEach, describe, expect, test } from '@jest/globals'
import type { VendorResponse } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll, toCallback } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { type Flooded, setUp, from, redeemMany, logInFrom, sleep } from '../support/login-flood.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

/** More than may fail within a minute before the address is limited. */
const FAILURES = 11

describe('the share of an address', () => {
  /** How many of 12 redemptions of junk codes from an address are in progress at once. */
  const share = ({ gate, inProgress }: Flooded, address: string) =>
    inProgress(12, () => redeemMany(12, gate, from(address)))

  test('C6: an address with more than 10 failed redemptions in a minute has 5 in progress at once, and as many as others after the minute', async () => {
    const clock = fakeDate()
    const flooded = await setUp(0)
    await redeemMany(FAILURES, flooded.gate, from('203.0.113.9'))
    expect(await share(flooded, '203.0.113.9')).toBe(5)
    expect(await share(flooded, '203.0.113.10')).toBe(12)
    clock.forward(61)
    expect(await share(flooded, '203.0.113.9')).toBe(12)
  })

  test('C6: a user at an address that is limited still logs in', async () => {
    const { gate } = await setUp(0)
    await redeemMany(30, gate, from('203.0.113.9'))
    expect((await logInFrom(gate, from('203.0.113.9'))).status).toBe(200)
  })

  test.each([
    ['of the same IPv6 network shares it', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9', 5],
    ['of another IPv6 network does not', '2001:db8:1:2::1', '2001:db8:1:3::1', 12],
    ['in another notation shares it', '2001:db8::2:0:0:0:1', '2001:0DB8:0000:0002::5', 5],
    ['of IPv4 on an IPv6 socket shares it', '203.0.113.9', '::ffff:203.0.113.9', 5],
  ])('C6: if an address is limited, an address %s', async (_, first, second, count) => {
    const flooded = await setUp(0)
    await redeemMany(FAILURES, flooded.gate, from(first))
    expect(await share(flooded, second)).toBe(count)
  })

  test('C6: an address is not limited by logins that succeed', async () => {
    const flooded = await setUp(0)
    const logIns = () =>
      Promise.all(Array.from({ length: 12 }, () => logInFrom(flooded.gate, from('203.0.113.9'))))
    for (const { status } of await logIns()) expect(status).toBe(200)
    expect(await flooded.inProgress(12, logIns)).toBe(12)
  })

  test.each<[string, VendorResponse]>([
    ['is down', { status: 503 }],
    ['throttles', { status: 429 }],
    ['rejects our client', { status: 401, body: { error: 'invalid_client' } }],
  ])('C6: an address is not limited while the provider %s', async (_, response) => {
    const flooded = await setUp(0)
    flooded.replies.push(...Array.from({ length: 15 }, () => response))
    await redeemMany(15, flooded.gate, from('203.0.113.9'))
    expect(await share(flooded, '203.0.113.9')).toBe(12)
  })

  test('C6: the address of a proxy that the app does not trust is never limited: an office behind it logs in', async () => {
    const { gate, inProgress } = await setUp(0, false)
    await redeemMany(30, gate, from('203.0.113.9'))
    const logins: number[] = []
    const office = () =>
      Promise.all(
        Array.from({ length: 12 }, async () =>
          logins.push((await logInFrom(gate, from('203.0.113.9'))).status),
        ),
      )
    expect(await inProgress(12, office)).toBe(12)
    expect(logins).toEqual(Array.from({ length: 12 }, () => 200))
  })
})

test('C6: users who have redeemed their code do not wait behind junk codes', async () => {
  const { vendor, gate } = await setUp(0, false, { timeouts: { provider: 5 } })
  const callback = createBrowser()
  const url = await toCallback(callback, gate.url('/'))
  let release = () => undefined as void
  const isReleased = new Promise<void>((resolve) => (release = resolve))
  const reading = new Promise<void>((started) => {
    vendor.respond(
      'userinfo',
      async () => {
        started()
        await isReleased
        return undefined
      },
      { once: true },
    )
  })
  const login = callback.get(url)
  await reading
  vendor.respond('token', 'hang')
  const junk = redeemMany(60, gate, {})
  await sleep(300)
  release()
  expect((await login).status).toBe(200)
  vendor.respond('token', undefined)
  await junk
})
