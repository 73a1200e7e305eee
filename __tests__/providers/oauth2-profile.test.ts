import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { inspect } from 'node:util'
import type { FetchUserProfile } from '../../src/index.js'
import { stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { logIn, requestsTo, setUp } from '../support/providers.js'

afterEach(stopAll)

const custom = (fetchUserProfile: unknown, more: Record<string, unknown> = {}) =>
  setUp(
    'oauth2',
    { fetchUserProfile, userinfoUrl: undefined, ...more },
    {},
    { timeouts: { provider: 1 } },
  )

describe('fetchUserProfile', () => {
  test('with a callback: reads the profile itself', async () => {
    const seen: unknown[] = []
    const { vendor, gate } = await custom(function fetchUserProfile(
      accessToken: string,
      context: Record<string, unknown>,
      callback: (error: unknown, profile?: object) => void,
    ) {
      seen.push(accessToken, context)
      fetch(String(context['userinfo']), { headers: { authorization: `Bearer ${accessToken}` } })
        .then(async (response) => {
          if (response.status !== 200) return callback(new Error(await response.text()))
          const body = (await response.json()) as Record<string, unknown>
          callback(null, { user_id: body['user_id'], email: body['email'], plan: 'gold' })
        })
        .catch(callback)
    })
    vendor.respond('token', async (request) => {
      vendor.respond('token', undefined)
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await fetch(`${vendor.origin}/token`, {
        method: 'POST',
        headers,
        body: request.body,
      })
      return {
        body: { ...((await answer.json()) as object), userinfo: vendor.options['userinfoUrl'] },
      }
    })
    const { user, seen: reached } = await logIn({ gate })
    expect(user).toMatchObject({
      id: 'u-77',
      key: 'oauth2:u-77',
      email: 'pat@acme.example',
      emailVerified: false,
      claims: { plan: 'gold' },
    })
    const [accessToken, context] = seen
    expect(reached.headers['ngrok-auth-oauth-access-token']).toBe(accessToken)
    expect(context).toMatchObject({ access_token: accessToken, token_type: 'Bearer', scope: '' })
  })

  test.each<[string, FetchUserProfile]>([
    ['a promise', async () => ({ user_id: 'x' })],
    ['a value', () => ({ user_id: 'x' })],
    ['a call at once', (_token, _context, callback) => callback(null, { user_id: 'x' })],
    [
      'a call later',
      (_token, _context, callback) => void setTimeout(callback, 10, undefined, { user_id: 'x' }),
    ],
    [
      'an async function that calls back',
      async (_token, _context, callback) => callback(null, { user_id: 'x' }),
    ],
  ])('returns the profile by %s', async (_, fetchUserProfile) => {
    const { gate } = await custom(fetchUserProfile)
    expect((await logIn({ gate })).user).toMatchObject({ id: 'x' })
  })

  test('the user has every field of the profile', async () => {
    const profile = {
      user_id: 7,
      name: 'N',
      nickname: 'nick',
      email: 'a@acme.example',
      email_verified: true,
      picture: 'https://p.example/x.png',
      team: { a: [1] },
    }
    const { gate } = await custom(() => profile, { emailDomains: ['acme.example'] })
    const { user, seen } = await logIn({ gate })
    expect(user).toMatchObject({
      id: '7',
      name: 'N',
      username: 'nick',
      email: 'a@acme.example',
      emailVerified: true,
      picture: 'https://p.example/x.png',
      claims: profile,
    })
    expect(seen.headers).toMatchObject({
      'ngrok-auth-user-id': '7',
      'ngrok-auth-user-email': 'a@acme.example',
    })
  })

  test.each([
    undefined,
    null,
    '',
    {},
    [],
    true,
    Number.NaN,
    1.5,
    'a\u0000b',
    { toString: () => 'x' },
  ])('CO-2: the user_id %p is rejected', async (user_id) => {
    const { gate } = await custom(() => ({ user_id, sub: 'other', id: 'other' }))
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test.each([
    [0, '0'],
    [123, '123'],
  ])('CO-2: the number %i is accepted as user_id', async (user_id, id) => {
    const { gate } = await custom(() => ({ user_id }))
    expect((await logIn({ gate })).user).toMatchObject({ id })
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'profile'],
    ['a list', [{ user_id: 1 }]],
    ['a function', () => ({ user_id: 1 })],
  ])('a profile that is %s is rejected', async (_, profile) => {
    const { gate } = await custom(() => profile)
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })
})

test('a profile without a user_id is explained to the owner', async () => {
  const { gate } = await custom(() => ({ id: 1815 }) as never)
  const attempt = await logIn({ gate })
  expect(attempt).toMatchObject({ status: 502, code: 'provider_error' })
  expect(attempt.page.body).toContain('fetchUserProfile must return an object with a user_id')
})

describe('when it fails', () => {
  let unhandled: jest.Mock
  const listen = () => {
    unhandled = jest.fn()
    process.on('unhandledRejection', unhandled)
    process.on('uncaughtException', unhandled)
  }
  const settled = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    process.off('unhandledRejection', unhandled)
    process.off('uncaughtException', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  }

  test.each<[string, FetchUserProfile]>([
    [
      'throws',
      () => {
        throw new Error('no <b>luck</b>')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('no <b>luck</b>')
      },
    ],
    [
      'calls back with an error',
      (_token, _context, callback) => callback(new Error('no <b>luck</b>')),
    ],
    ['calls back with a text', (_token, _context, callback) => callback('no <b>luck</b>')],
    [
      'throws though it takes a callback',
      (_token, _context, _callback) => {
        throw new Error('no <b>luck</b>')
      },
    ],
    [
      'rejects though it takes a callback',
      async (_token, _context, _callback) => {
        throw new Error('no <b>luck</b>')
      },
    ],
  ])(
    'CO-4, CO-5: it %s: an error page, with its message only for the owner',
    async (_, fetchUserProfile) => {
      listen()
      const { gate, browser } = await custom(fetchUserProfile)
      const attempt = await logIn({ gate, browser })
      expect(attempt).toMatchObject({ status: 502, code: 'provider_error' })
      expect(attempt.page.body).toContain('fetchUserProfile failed: no &lt;b&gt;luck&lt;/b&gt;')
      const headers = { 'X-Forwarded-For': '203.0.113.9' }
      const page = await createBrowser().get(gate.url('/'), { headers })
      expect(page.body).toContain('provider_error')
      expect(page.body).not.toContain('luck')
      expect(browser.cookies(gate.origin).map(({ key }) => key)).not.toContain('ngrok.session')
      await settled()
    },
  )

  test.each<[string, FetchUserProfile]>([
    ['never calls back', (_token, _context, _callback) => undefined],
    ['never settles', () => new Promise(() => {})],
  ])('CO-4: it %s: the login times out', async (_, fetchUserProfile) => {
    const { gate } = await custom(fetchUserProfile)
    expect(await logIn({ gate })).toMatchObject({ status: 504, code: 'provider_timeout' })
  })

  test.each<[string, FetchUserProfile, number]>([
    [
      'a profile twice',
      (_token, _context, callback) => {
        callback(null, { user_id: 'x' })
        callback(null, { user_id: 'y' })
      },
      200,
    ],
    [
      'a profile, then an error',
      (_token, _context, callback) => {
        callback(null, { user_id: 'x' })
        callback(new Error('late'))
      },
      200,
    ],
    [
      'an error, then a profile',
      (_token, _context, callback) => {
        callback(new Error('early'))
        callback(null, { user_id: 'x' })
      },
      502,
    ],
    [
      'a profile, then a throw',
      (_token, _context, callback) => {
        callback(null, { user_id: 'x' })
        throw new Error('late')
      },
      200,
    ],
    [
      'a profile, then a rejection',
      async (_token, _context, callback) => {
        callback(null, { user_id: 'x' })
        throw new Error('late')
      },
      200,
    ],
    [
      'a profile, then a late rejection',
      async (_token, _context, callback) => {
        callback(null, { user_id: 'x' })
        await new Promise((resolve) => setTimeout(resolve, 20))
        throw new Error('late')
      },
      200,
    ],
  ])('CO-3: only the first result counts: %s', async (_, fetchUserProfile, status) => {
    listen()
    const { gate } = await custom(fetchUserProfile)
    const attempt = await logIn({ gate })
    expect(attempt.status).toBe(status)
    if (status === 200) expect(attempt.user).toMatchObject({ id: 'x' })
    await settled()
  })

  test('CO-5: its message exposes no token or secret on the page, in the log or in the error', async () => {
    let secrets: string[] = []
    const fetchUserProfile: FetchUserProfile = (accessToken, context) => {
      secrets = [accessToken, String(context['refresh_token']), 'dev-client-secret']
      throw new Error(`<script>${secrets.join(' ')}</script>`)
    }
    const errors: unknown[] = []
    const { gate } = await setUp(
      'oauth2',
      { fetchUserProfile },
      {},
      { onError: (error) => void errors.push(error) },
    )
    const { page } = await logIn({ gate })
    expect(page.body).toContain('&lt;script&gt;… … …&lt;/script&gt;')
    expect(secrets.filter((secret) => secret.length > 10)).toHaveLength(3)
    for (const secret of secrets)
      expect(page.body + gate.logged.join() + inspect(errors, { depth: 9 })).not.toContain(secret)
    expect(inspect(errors, { depth: 9 })).toContain('oauth2-profile.test.ts')
  })

  test.each<[string, () => unknown]>([
    ['too large', () => ({ user_id: 'x', filler: 'y'.repeat(300_000) })],
    [
      'circular',
      () => {
        const profile: Record<string, unknown> = { user_id: 'x' }
        profile['self'] = profile
        return profile
      },
    ],
    ['with a bigint', () => ({ user_id: 'x', n: 1n })],
    [
      'with a getter that throws',
      () => ({
        user_id: 'x',
        get name() {
          throw new Error('gotcha')
        },
      }),
    ],
    [
      'with a toJSON that throws',
      () => ({
        user_id: 'x',
        toJSON() {
          throw new Error('gotcha')
        },
      }),
    ],
    ['with a then that never settles', () => ({ user_id: 'x', then() {} })],
  ])('CO-14: a profile %s is rejected', async (_, make) => {
    listen()
    const { gate } = await custom(make)
    const attempt = await logIn({ gate })
    expect([502, 504]).toContain(attempt.status)
    await settled()
  })

  test('a hostile profile is plain data for the app', async () => {
    const { gate } = await custom(() =>
      JSON.parse(
        '{"user_id":"x","__proto__":{"isAdmin":true},"constructor":{"a":1},"name":{"toString":"evil"},"email":["a@acme.example"],"picture":"javascript:alert(1)"}',
      ),
    )
    const { user, seen } = await logIn({ gate })
    expect(user).not.toHaveProperty('name')
    expect(user).not.toHaveProperty('email')
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
    expect(seen.headers).not.toHaveProperty('ngrok-auth-user-name')
  })

  test('no userinfo request is sent', async () => {
    const { vendor, gate } = await setUp('oauth2', { fetchUserProfile: () => ({ user_id: 'x' }) })
    expect((await logIn({ gate })).user).toMatchObject({ id: 'x' })
    expect(requestsTo(vendor, 'userinfo')).toEqual([])
  })
})
