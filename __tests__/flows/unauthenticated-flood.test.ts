import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { triedTimes } from '../support/cases.js'
import { begin, CANARY, startSwitch, type Switch } from '../support/corpus.js'
import { oidcOf } from '../support/gate.js'
import { sendRawRequest } from '../support/raw.js'

const TOTAL = 2_000
const CONNECTIONS = 50

let vendor: VendorServer
let gate: Switch
beforeAll(async () => {
  ;[vendor, gate] = await Promise.all([startVendor('oidc'), startSwitch('express')])
  gate.use({ provider: { acme: oidcOf(vendor) } })
})
afterAll(() => Promise.all([gate.close(), vendor.close()]))

const id = () => randomBytes(32).toString('base64url')

/** What such visitors send; the count spreads them evenly. */
function visit(count: number, state: string): { target: string; headers: string[] } {
  const visits = [
    { target: `/page/${count}`, headers: [] },
    { target: '/', headers: [`Cookie: ngrok.session=${id()}`] },
    { target: '/', headers: [`Cookie: ngrok.session=${'A'.repeat(8000)}`] },
    { target: '/', headers: [`Cookie: ngrok.session=${id().slice(1)}%`] },
    { target: '/auth/authn', headers: [] },
    { target: `/auth/callback?code=${id()}&state=${id()}`, headers: [] },
    {
      target: `/auth/callback?code=${id()}&state=${state}`,
      headers: [`Cookie: ngrok.nonce.00000000=${id()}`],
    },
    { target: '/api', headers: ['Accept: application/json', 'Sec-Fetch-Mode: cors'] },
    { target: `/auth/${id()}`, headers: [] },
    { target: '/auth/logout', headers: [`Cookie: ngrok.session=${id()}`] },
  ]
  return visits[count % visits.length] ?? { target: '/', headers: [] }
}

test('S-009 S-117 visitors who never log in get no 5xx, write nothing, cause no request to the provider, and read the store once per well-formed cookie', async () => {
  const { state } = await begin(gate)
  vendor.requests.length = 0
  gate.store.gets = 0
  let next = 0
  const odd: string[] = []
  const statuses = new Set<number>()
  const client = async () => {
    while (next < TOTAL) {
      const { target, headers } = visit(next++, state)
      const { status, text } = await sendRawRequest(gate.port, { target, headers })
      statuses.add(status)
      if (status >= 500 || text.includes(CANARY)) odd.push(`${status} ${target}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  triedTimes(TOTAL)
  expect(odd).toEqual([])
  expect([...statuses].sort()).toEqual([200, 302, 400, 401, 404])
  expect(gate.store.writes).toBe(0)
  expect(vendor.requests).toEqual([])
  // Two of the ten send a well-formed one.
  expect(gate.store.gets).toBe(TOTAL / 5)
})
