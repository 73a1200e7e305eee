import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminRouter } from '../../src/admin/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { createBoundClient } from '../support/bound-client.js'
import { deploy } from '../support/admin.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'

let vendor: VendorServer
let ca: PrivateCa

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  ca = createPrivateCa(['localhost'])
})
afterAll(async () => {
  await stopAll()
  ca.remove()
})

/** An app with admin pages for its only user, and with the page of their devices. */
function start(): Promise<Gate> {
  const email = String(vendor.user.email)
  return startGate(
    { provider: { idp: oidcOf(vendor) }, deviceBound: true, inactivityTimeout: 600 },
    {
      tls: ca,
      before: (app) => app.set('trust proxy', 'loopback'),
      routes(app, auth) {
        const pages = { gate: auth, rules: { emailAddresses: [email] } }
        app.use('/admin', adminRouter({ 'main/app': auth }, { tokens: { deploy }, pages }))
        app.use('/devices', auth.devices())
      },
    },
  )
}

const at = (address: string) => ({ headers: { 'X-Forwarded-For': address } })
const json = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }

test('sessions.list(), the admin pages and devices() show what is bound, and when it moved', async () => {
  const gate = await start()
  gate.middleware.on('moved', () => undefined)
  const client = createBoundClient(gate.origin)
  const { browser } = client
  const shown = async () => {
    const list = await browser.get(gate.url('/admin/sessions'), at('93.184.216.34'))
    const page = await browser.get(gate.url('/devices'), { headers: json })
    const { devices } = JSON.parse(page.body) as { devices: { isDeviceBound: boolean }[] }
    const [item] = (await gate.middleware.sessions.list()).items
    return {
      badge: list.body.includes('Bound to this device'),
      moved: /Moved <time datetime="[^"]+"/.test(list.body),
      devices: devices.map(({ isDeviceBound }) => isDeviceBound),
      listed: [item?.isDeviceBound, item?.movedAt],
    }
  }
  await client.signIn(gate.url('/'))
  expect(await shown()).toEqual({
    badge: false,
    moved: false,
    devices: [false],
    listed: [false, undefined],
  })
  await browser.get(gate.url('/'), at('198.51.100.7'))
  // The place is written together with the key.
  await client.register()
  expect(await shown()).toEqual({
    badge: true,
    moved: true,
    devices: [true],
    listed: [true, expect.any(Number)],
  })
})
