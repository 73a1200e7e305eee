import { randomInt } from 'node:crypto'
import { afterEach, expect, test } from '@jest/globals'
import { memoryStore, type OAuthModuleOptions, type SessionStore } from '../../src/index.js'
import { startVendor } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, oidcOf, secret, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { createModel, type ModelOptions, type Outage, outages, rulesets } from '../support/model.js'

/** `MODEL_SEED=n` repeats a run; `MODEL_STEPS=n` makes it longer. */
const seed = Number(process.env['MODEL_SEED'] ?? randomInt(2 ** 31))
const steps = Number(process.env['MODEL_STEPS'] ?? 1500)

afterEach(async () => {
  await stopAll()
  realDate()
})

const HOUR = 3600

const runs: [string, ModelOptions][] = [
  [
    'limits of hours, grace',
    {
      interval: 300,
      grace: 60,
      isEarly: false,
      inactivityTimeout: 10 * HOUR,
      maximumDuration: 36 * HOUR,
      tokenLifetime: 1000,
    },
  ],
  [
    'a short inactivity timeout, early checks',
    {
      interval: 120,
      grace: 0,
      isEarly: true,
      inactivityTimeout: 600,
      maximumDuration: 0,
      tokenLifetime: 200,
    },
  ],
  [
    'no limits, no interval: only rules that change',
    {
      interval: 0,
      grace: 0,
      isEarly: true,
      inactivityTimeout: 0,
      maximumDuration: 0,
      tokenLifetime: undefined,
    },
  ],
]

test.each(runs)(
  `seed ${seed}: the gate behaves like the model (%s)`,
  async (_, options) => {
    const clock = fakeDate()
    const play = await createPlay(options, clock)
    for (let step = 0; step < steps; step++) await play.step()
    expect(play.model.summary().sessions).toBeGreaterThan(5)
    expect(play.seen.size).toBeGreaterThan(3)
  },
  60_000,
)

async function createPlay(options: ModelOptions, clock: ReturnType<typeof fakeDate>) {
  const random = mulberry(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const users = ['ada', 'bob', 'cyd'].map((id) => ({
    id,
    name: id,
    email: `${id}@acme.example`,
    emailVerified: true,
  }))
  const vendor = stopping(
    await startVendor('oidc', {
      users,
      settings: { personaPage: false, tokenLifetime: options.tokenLifetime },
    }),
  )
  const { clientSecret } = vendor
  const store = { isDown: false, ...memoryStore() } as SessionStore & { isDown: boolean }
  const { get } = store
  store.get = (key) => (store.isDown ? Promise.reject(new Error('down')) : get(key))
  const optionsFor = (rules: keyof typeof rulesets): OAuthModuleOptions => ({
    provider: { idp: oidcOf(vendor, { clientSecret, offlineAccess: true, ...rulesets[rules] }) },
    secret,
    authCheckInterval: options.interval,
    authCheckGrace: options.grace,
    authCheckEarly: options.isEarly,
    inactivityTimeout: options.inactivityTimeout,
    maximumDuration: options.maximumDuration,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const gate = await startGate({ ...optionsFor('acme'), store })
  const { middleware } = gate
  const model = createModel(
    options,
    users.map(({ id, email }) => ({ id, email })),
  )
  const browsers: Browser[] = Array.from({ length: 5 }, () => createBrowser())
  const history: string[] = []
  const seen = new Set<string>()

  const calls = () => {
    const of = (endpoint: string) =>
      vendor.requests.filter((request) => request.endpoint === endpoint).length
    const counts = { token: of('token'), userinfo: of('userinfo') }
    vendor.requests.length = 0
    return counts
  }
  /** Early checks run in the background: this waits for them. */
  const settle = () => middleware.close()
  const agree = (what: string, actual: unknown, expected: unknown) => {
    if (JSON.stringify(actual) === JSON.stringify(expected)) return
    const lately = history.slice(-25).join('\n  ')
    throw new Error(
      `seed ${seed}: ${what}\n  the gate:  ${JSON.stringify(actual)}\n  the model: ${JSON.stringify(expected)}\n  after\n  ${lately}`,
    )
  }

  const visit = async (at: number, size: number) => {
    const isNavigation = random() < 0.6
    const herd = model.mayHerd(at, Date.now()) ? size : 1
    history.push(`${herd} × ${isNavigation ? 'navigation' : 'program'} of browser ${at}`)
    const headers = isNavigation
      ? {}
      : { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'application/json' }
    gate.reached.length = 0
    const hasCookie = browsers[at]?.cookies(gate.origin).some(({ key }) => key === 'ngrok.session')
    // A store that is down says nothing about who is logged in.
    const expected =
      store.isDown && hasCookie
        ? { status: 503, calls: { token: 0, userinfo: 0 } }
        : model.visit(at, Date.now(), isNavigation)
    const pages = await Promise.all(
      Array.from({ length: herd }, async () =>
        browsers[at]?.get(gate.url('/'), { follow: false, headers }),
      ),
    )
    await settle()
    seen.add(String(expected.status))
    agree('statuses', [...new Set(pages.map((page) => page?.status))], [expected.status])
    agree('calls of the provider', calls(), expected.calls)
    agree('requests that reached the app', gate.reached.length, expected.status === 200 ? herd : 0)
    if (expected.status !== 200) return
    for (const page of pages)
      agree(
        'who the app sees',
        bodyOf({ body: String(page?.body) }).user?.['email'],
        expected.email,
      )
  }

  const logIn = async (at: number) => {
    if (model.outage() !== 'none' || store.isDown) return
    const user = pick(users)
    vendor.user = vendor.users[users.indexOf(user)] as never
    history.push(`login of ${user.id} in browser ${at}`)
    const page = await browsers[at]?.get(gate.url('/auth/authn'))
    const expected = model.logIn(at, user.id, Date.now())
    await settle()
    agree('status of the login', page?.status, expected.status)
    calls()
    if (expected.status === 200)
      model.named(at, String(bodyOf({ body: String(page?.body) }).oauth?.['sessionHandle']))
  }

  const setOutage = (outage: Outage) => {
    history.push(`outage: ${outage}`)
    model.setOutage(outage)
    vendor.respond(
      'userinfo',
      outage === 'down' ? { status: 503 } : outage === 'throttled' ? { status: 429 } : undefined,
    )
    vendor.respond('token', outage === 'token down' ? { status: 500 } : undefined)
    vendor.clientSecret = outage === 'owner' ? 'changed' : clientSecret
  }

  const change = async () => {
    const at = Math.floor(random() * browsers.length)
    const user = pick(users)
    const what = pick([
      'email',
      'email',
      'grant',
      'outage',
      'outage',
      'recover',
      'recover',
      'rules',
      'revoke',
      'delete',
      'logout',
      'store',
    ])
    if (store.isDown) {
      history.push('the store is back')
      store.isDown = false
    } else if (what === 'email') {
      const email = `${user.id}@${pick(['acme.example', 'acme.example', 'other.example', 'elsewhere.example'])}`
      history.push(`${user.id} is ${email} now`)
      vendor.users[users.indexOf(user)] = { ...user, email }
      model.setEmail(user.id, email)
    } else if (what === 'grant') {
      history.push(`grants of ${user.id} revoked`)
      vendor.revokeTokens(vendor.users[users.indexOf(user)])
      model.revokeGrants(user.id)
    } else if (what === 'outage') setOutage(pick(outages))
    else if (what === 'recover') setOutage('none')
    else if (what === 'rules') {
      const rules = pick(Object.keys(rulesets) as (keyof typeof rulesets)[])
      history.push(`rules: ${rules}`)
      middleware.reconfigure(optionsFor(rules))
      model.setRules(rules)
    } else if (what === 'revoke') {
      const handle = model.handleOf(at)
      history.push(`session of browser ${at} revoked`)
      if (handle !== undefined) await middleware.sessions.revoke(handle)
      model.end(at)
    } else if (what === 'delete') {
      history.push(`${user.id} deleted`)
      await middleware.users.delete(`idp:${user.id}`)
      model.endAllOf(user.id)
    } else if (what === 'logout') {
      history.push(`logout of browser ${at}`)
      await browsers[at]?.get(gate.url('/auth/logout'), {
        headers: { 'Sec-Fetch-Site': 'same-origin' },
      })
      model.end(at)
    } else {
      history.push('the store is down')
      store.isDown = true
    }
  }

  return {
    model,
    seen,
    async step() {
      const at = Math.floor(random() * browsers.length)
      const turn = random()
      if (turn < 0.25) {
        // Even seconds: pauses of 5 seconds, with their jitter, are either over or not.
        const seconds = pick([
          2,
          2,
          4,
          4,
          6,
          10,
          30,
          58,
          60,
          90,
          96,
          120,
          240,
          300,
          358,
          600,
          1000,
          HOUR,
          8 * HOUR,
        ])
        history.push(`${seconds} s pass`)
        clock.forward(seconds)
      } else if (turn < 0.33) await logIn(at)
      else if (turn < 0.42) await change()
      else await visit(at, random() < 0.1 ? 5 : 1)
    },
  }
}

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function mulberry(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}
