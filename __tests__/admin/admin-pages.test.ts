import { afterEach, describe, expect, test } from '@jest/globals'
import { type AdminOptions, adminRouter } from '../../src/admin/index.js'
import { pagination } from '../../src/admin/pages/pagination.js'
import { cookieStore, memoryStore, type SessionStore } from '../../src/index.js'
import { adminGate, deploy } from '../support/admin.js'
import { ada, type PagesApp, root, startPages } from '../support/admin-pages.js'
import { API, startTokenIssuer } from '../support/token-issuer.js'
import { stopAll } from '../support/gate.js'
import { eventually } from '../support/programs.js'

afterEach(stopAll)

/** The target of a link below `/admin`. */
const linkOf = (text: string, rel: string) =>
  new RegExp(`href="/admin([^"]+)" rel="${rel}"`).exec(text)?.[1]?.replaceAll('&amp;', '&')

const namesOn = (text: string) =>
  [...text.matchAll(/class="name" href="[^"]+"><bdi>([^<]+)/g)].map((match) => match[1] ?? '')

const idOf = (text: string, name: string) =>
  new RegExp(`/admin/users/(usr_[\\w-]+)"><bdi>${name}`).exec(text)?.[1] ?? ''

async function userPath(app: PagesApp, cookie: string, name = ada.name): Promise<string> {
  return `/users/${idOf((await app.get('/users', cookie)).text, name)}`
}

describe('who may see the pages', () => {
  const frameworks = ['express', 'express4', 'connect', 'http'] as const

  test.each(frameworks)(
    'with %s, users who meet the rules, with the session of the gate',
    async (framework) => {
      const app = await startPages({ framework })
      const [admin, other] = [await app.enter(root), await app.enter(ada)]
      for (const path of ['', '/', '/users', '/sessions', '/usage', '/audit']) {
        const page = await app.get(path, admin)
        expect([path, page.status]).toEqual([path, 200])
        expect(page.text).toContain('<main id="content"')
        expect((await app.get(path, other)).status).toBe(403)
      }
      const denied = await app.get('/users', other)
      expect(denied.text).toContain('This account has no access')
      expect(denied.text).not.toContain(root.email)
      expect(
        (
          await app.get('/users', undefined, {
            accept: 'application/json',
            'sec-fetch-mode': 'cors',
          })
        ).status,
      ).toBe(401)
      expect((await app.get('/elsewhere', admin)).text).toBe('the app')
    },
  )

  test('no one with a token of the API, and sessions do not count for the API', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    const authorization = `Bearer ${deploy}`
    const fetched = { accept: 'text/html', 'sec-fetch-mode': 'cors', authorization }
    expect((await app.get('/users', undefined, fetched)).status).toBe(401)
    for (const path of ['/app/users', '/app/sessions', '/app/usage']) {
      const { status, text } = await app.get(path, admin)
      expect([path, status]).toEqual([path, 401])
      expect(text).toContain('ERR_NGROK_201')
    }
  })

  test('no one with an access token of the app, not even one of an administrator', async () => {
    const idp = await startTokenIssuer()
    const app = await startPages({
      gate: { bearer: { issuers: [{ issuer: idp.origin, audience: API }] } },
    })
    const token = (claims: object) =>
      idp.token({ sub: 'root', email_verified: true, ...claims }).then((one) => `Bearer ${one}`)
    const authorization = await token({ email: root.email })
    const cookie = await app.enter(root)
    const path = await userPath(app, cookie, root.name)
    expect((await fetch(app.origin, { headers: { authorization } })).status).toBe(200)
    for (const page of ['/', '/users', path, `${path}/end-sessions`, '/audit']) {
      const { status, text, headers } = await app.get(page, undefined, { authorization })
      expect([page, status, text.includes('Access tokens do not count')]).toEqual([page, 403, true])
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(text).not.toMatch(/root@acme\.example|Root Admin/)
    }
    // Next to a cookie, the token decides.
    expect((await app.get('/users', cookie, { authorization })).status).toBe(403)
    const form = { token: await app.tokenOf(`${path}/end-sessions`, cookie) }
    const posted = await app.post(`${path}/end-sessions`, form, cookie, { authorization })
    expect([posted.status, await app.visit(cookie)]).toEqual([403, 200])
    const other = await token({ email: ada.email })
    expect((await app.get('/users', undefined, { authorization: other })).status).toBe(403)
  })

  test('rules that admit everyone throw, and so do those that no provider can meet', () => {
    const { auth } = adminGate()
    const message = (pages: unknown) => {
      try {
        adminRouter(
          { 'main/app': auth },
          { tokens: { deploy }, pages: pages as AdminOptions['pages'] },
        )
        return ''
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`
      }
    }
    expect(message({ gate: auth, rules: {} })).toMatch(
      /^TypeError: adminRouter\(\)\.pages\.rules contains no rule: .*emailAddresses/,
    )
    expect(message({ gate: auth, rules: { maxAge: 60 } })).toContain('contains no rule')
    expect(message({ gate: auth })).toMatch(/pages\.rules is missing: set it, as in/)
    expect(message({ gate: auth, rules: undefined })).toContain('pages.rules is missing')
    expect(message({ rules: { emailDomains: ['acme.example'] } })).toContain(
      'pages.gate is missing',
    )
    expect(message({ gate: () => undefined, rules: {} })).toContain(
      'pages.gate must be a middleware',
    )
    expect(message({ gate: auth, rules: { emailAddresses: undefined } })).toMatch(
      /pages\.rules .*emailAddresses is undefined/,
    )
    expect(message({ gate: auth, rules: { emailDomains: ['*.example'] } })).toMatch(
      /pages\.rules .*wildcard/,
    )
    expect(message({ gate: auth, rules: { teams: ['acme/admins'] } })).toMatch(
      /pages\.rules .*teams/,
    )
    expect(message({ gate: auth, rules: { authorize: () => true } })).toBe('')
  })
})

describe('where the pages are', () => {
  test.each(['express', 'express4'] as const)(
    'below the path of the gate, from the first request on: %s',
    async (framework) => {
      const app = await startPages({
        framework,
        mount: '/app',
        at: '/app/admin',
        gate: { id: undefined },
      })
      const admin = await app.enter(root)
      expect((await app.get('/users', admin)).status).toBe(200)
      const fresh = await startPages({
        framework,
        mount: '/app',
        at: '/app/admin',
        gate: { id: undefined },
      })
      const { status, text } = await fresh.get('/users', undefined, {
        accept: 'application/json',
        'sec-fetch-mode': 'cors',
      })
      expect(status).toBe(401)
      expect(text).toContain('"login_url":"' + fresh.origin + '/app/auth/authn?')
    },
  )

  test.each(['express', 'express4', 'connect'] as const)(
    'not next to the path of the gate, where its cookies do not reach: %s',
    async (framework) => {
      const app = await startPages({ framework, mount: '/app' })
      await app.enter(ada)
      const { status, text } = await app.get('/users')
      expect(status).toBe(500)
      expect(text).toContain('These pages cannot be shown here')
      expect(app.gate.logged.filter((line) => line.includes('cannot be shown'))).toEqual([
        expect.stringContaining("app.use('/app/admin', adminRouter"),
      ])
    },
  )

  test('not outside of cookie.path, and not below the special paths', async () => {
    const outside = await startPages({ gate: { cookie: { path: '/shop' } } })
    expect((await outside.get('/users')).status).toBe(500)
    expect(outside.gate.logged.join('\n')).toContain('cookie.path /shop does not contain /admin')
    const special = await startPages({ at: '/auth/admin' })
    expect((await special.get('/users')).status).toBe(500)
    expect(special.gate.logged.join('\n')).toContain('one of the special paths')
  })

  test('have links with the public path behind a proxy that removes it', async () => {
    const app = await startPages({
      gate: { baseUrl: 'http://localhost/shop', cookie: { path: '/' } },
    })
    const admin = await app.enter(root)
    const { text } = await app.get('/users', admin)
    expect(text).toContain('href="/shop/admin/users"')
    expect(text).toContain('href="/shop/auth/logout"')
    expect(text).not.toContain('href="/admin')
  })

  test('are 503 while the gate is disabled', async () => {
    const app = await startPages({ gate: { enabled: false } })
    const { status, text, headers } = await app.get('/users')
    expect([status, headers.get('retry-after')]).toEqual([503, '60'])
    expect(text).toContain('These pages are not available')
  })
})

describe('a change', () => {
  test('needs a confirmation: opening its page changes nothing', async () => {
    const app = await startPages()
    const [admin, other] = [await app.enter(root), await app.enter(ada)]
    const path = await userPath(app, admin)
    for (const action of ['block', 'end-sessions']) {
      const { status, text } = await app.get(`${path}/${action}`, admin)
      expect(status).toBe(200)
      expect(text).toMatch(/<form class="buttons" method="post"/)
      expect(text).toContain(ada.name)
    }
    expect(await app.visit(other)).toBe(200)
  })

  test('blocks a user, who is out at the next request and at the next login, and unblocks again', async () => {
    const app = await startPages()
    const [admin, other] = [await app.enter(root), await app.enter(ada)]
    const path = await userPath(app, admin)
    const token = await app.tokenOf(`${path}/block`, admin)
    const done = await app.post(`${path}/block`, { token }, admin)
    expect(done.status).toBe(303)
    expect(await app.visit(other)).toBe(401)
    await expect(app.enter(ada)).rejects.toThrow()
    const location = String(done.headers.get('location'))
    expect(location).toContain(`/admin${path}?done=block_user`)
    const after = await app.get(location.slice('/admin'.length), admin)
    expect(after.text).toContain('The user is blocked, and all sessions have ended.')
    expect(after.text).toContain('<span class="badge bad">Blocked</span>')
    expect((await app.get('/users', admin)).text).toContain(
      '<span class="badge bad">Blocked</span>',
    )
    const again = await app.tokenOf(`${path}/unblock`, admin)
    expect((await app.post(`${path}/unblock`, { token: again }, admin)).status).toBe(303)
    expect(await app.visit(await app.enter(ada))).toBe(200)
    expect(app.gate.logged.filter((line) => line.includes('admin pages:'))).toEqual([
      expect.stringMatching(
        /info admin pages: blocked a user .*"admin":"idp:root","user":"idp:ada"/,
      ),
      expect.stringMatching(/info admin pages: unblocked a user .*"user":"idp:ada"/),
    ])
  })

  test('is in the audit log with the administrator, next to what tokens have done', async () => {
    const app = await startPages()
    const [admin] = [await app.enter(root), await app.enter(ada)]
    expect((await app.get('/audit', admin)).text).toContain('No entries')
    const path = await userPath(app, admin)
    const block = `${path}/block`
    await app.post(block, { token: await app.tokenOf(block, admin) }, admin)
    const id = path.slice('/users/'.length)
    const authorization = `Bearer ${deploy}`
    const url = `${app.origin}/admin/app/users/${id}`
    expect((await fetch(url, { method: 'DELETE', headers: { authorization } })).status).toBe(200)
    const { text } = await app.get('/audit', admin)
    expect(text.match(/<tr role="row"><td/g)).toHaveLength(2)
    expect(text.indexOf('Deleted a user')).toBeLessThan(text.indexOf('Blocked a user'))
    expect(text).toContain('<bdi>idp:root</bdi>')
    expect(text).toContain('<bdi>deploy</bdi></span><span class="quiet">Token</span>')
    expect(text.match(/users\?q=idp%3Aada"><bdi>idp:ada<\/bdi>/g)).toHaveLength(2)
    // Where each of them was.
    expect(text.match(/<bdi>127\.0\.0\.1<\/bdi>/g)).toHaveLength(2)
    expect(text).toContain('<span class="quiet"><bdi>node</bdi></span>')
    const off = await startPages({ options: { retention: { audit: 0 } } })
    const other = await off.get('/audit', await off.enter(root))
    expect(other.text).toContain('The audit log is not kept')
  })

  test('the audit log has what signals of other systems have done', async () => {
    const hr = () => ({
      id: '1',
      signals: [{ user: { key: 'idp:ada' }, action: 'end' as const, type: 'left' }],
    })
    const app = await startPages({ gate: { signals: { webhooks: { hr } } } })
    const [admin] = [await app.enter(root), await app.enter(ada)]
    await fetch(`${app.origin}/auth/webhooks/hr`, { method: 'POST' })
    // The entry is written in the background.
    const text = await eventually('the audit log has the signal', async () => {
      const page = await app.get('/audit', admin)
      return page.text.includes('Ended sessions') ? page.text : undefined
    })
    expect(text).toContain('<bdi>hr</bdi></span><span class="quiet">Signal</span>')
    expect(text).toContain('<bdi>idp:ada</bdi>')
  })

  test('ends one session, or all of a user', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    const cookies = [await app.enter(ada), await app.enter(ada), await app.enter(ada)]
    const list = await app.get('/sessions', admin)
    const [newest = ''] = [...list.text.matchAll(/\/admin(\/sessions\/ses_[\w-]+\/end)/g)].map(
      (match) => match[1] ?? '',
    )
    const confirm = await app.get(newest, admin)
    for (const fact of ['Ada Lovelace', 'Chrome 126 on macOS', '127.0.0.1', 'main/app'])
      expect(confirm.text).toContain(fact)
    await app.post(newest, { token: await app.tokenOf(newest, admin) }, admin)
    expect(await Promise.all(cookies.map((cookie) => app.visit(cookie)))).toEqual([200, 200, 401])
    expect((await app.get(newest, admin)).status).toBe(404)
    const path = `${await userPath(app, admin)}/end-sessions`
    expect((await app.get(path, admin)).text).toContain('2 sessions will end at once')
    await app.post(path, { token: await app.tokenOf(path, admin) }, admin)
    expect(await Promise.all(cookies.map((cookie) => app.visit(cookie)))).toEqual([401, 401, 401])
    expect(await app.visit(admin)).toBe(200)
    expect(app.gate.revoked).toHaveLength(3)
  })

  test('that would lock out the administrator is rejected', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    const path = await userPath(app, admin, root.name)
    expect((await app.get(path, admin)).text).not.toContain(`${path}/block"`)
    const token = await app.tokenOf(`${path}/end-sessions`, admin)
    expect((await app.get(`${path}/block`, admin)).status).toBe(409)
    expect((await app.post(`${path}/block`, { token }, admin)).status).toBe(403)
    expect(await app.visit(admin)).toBe(200)
  })

  test('can be made on Express behind a body parser', async () => {
    const { urlencoded } = await import('express')
    const app = await startPages({ before: (app) => app.use(urlencoded({ extended: true })) })
    const [admin, other] = [await app.enter(root), await app.enter(ada)]
    const path = `${await userPath(app, admin)}/block`
    expect((await app.post(path, { token: await app.tokenOf(path, admin) }, admin)).status).toBe(
      303,
    )
    expect(await app.visit(other)).toBe(401)
  })
})

describe('a forged request', () => {
  test('changes nothing: every way in which a form of another site or session differs', async () => {
    const app = await startPages()
    const second = { ...root, id: 'root' }
    const [admin, otherSession, other] = [
      await app.enter(root),
      await app.enter(second),
      await app.enter(ada),
    ]
    const path = await userPath(app, admin)
    const block = `${path}/block`
    const token = await app.tokenOf(block, admin)
    const evil = 'https://evil.example'
    const attacks: readonly (readonly [string, Promise<{ status: number }>])[] = [
      ['no token', app.post(block, {}, admin)],
      ['an empty token', app.post(block, { token: '' }, admin)],
      ['a changed token', app.post(block, { token: `${token.slice(0, -2)}AA` }, admin)],
      [
        'the token of another session',
        app.post(block, { token: await app.tokenOf(block, otherSession) }, admin),
      ],
      [
        'the token of another action',
        app.post(block, { token: await app.tokenOf(`${path}/end-sessions`, admin) }, admin),
      ],
      ['another origin', app.post(block, { token }, admin, { origin: evil })],
      ['an opaque origin', app.post(block, { token }, admin, { origin: 'null' })],
      [
        'no origin, from another site',
        app.post(block, { token }, admin, { origin: undefined, 'sec-fetch-site': 'cross-site' }),
      ],
      [
        'no origin at all',
        app.post(block, { token }, admin, { origin: undefined, 'sec-fetch-site': undefined }),
      ],
      ['the token in the query', app.post(`${block}?token=${token}`, {}, admin)],
      ['another content type', app.post(block, { token }, admin, { 'content-type': 'text/plain' })],
      ['a large form', app.post(block, { token, more: 'x'.repeat(10_000) }, admin)],
    ]
    for (const [name, attack] of attacks) {
      const { status } = await attack
      expect([name, status >= 400 && status < 500]).toEqual([name, true])
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${app.origin}/admin${block}`, {
        method,
        headers: { cookie: admin, origin: app.origin },
      })
      expect([method, response.status]).toEqual([method, 405])
    }
    expect(await app.visit(other)).toBe(200)
    expect((await app.get(path, admin)).text).not.toContain('Blocked')
    expect(app.gate.revoked).toEqual([])
    // The same request without a difference.
    expect((await app.post(block, { token }, admin)).status).toBe(303)
    expect(await app.visit(other)).toBe(401)
  })

  test('a link cannot show that something was done', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    for (const query of [
      '?done=block_user',
      '?done=block_user&token=x',
      '?done=__proto__',
      '?done=<b>',
    ])
      expect((await app.get(`/users${query}`, admin)).text).not.toContain('role="status"')
  })

  test('no other site can show a page in a frame, or load anything from it', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    const { headers } = await app.get('/users', admin)
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'nonce-[^']+'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    )
  })
})

const hostile = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror=alert(1)>',
  "'></title></style><svg/onload=alert(1)>",
  '`${alert(1)}`</main></body></html><!--',
  'javascript:alert(1)',
]

describe('markup of users', () => {
  test.each(hostile)('is harmless in every field: %s', async (text) => {
    const app = await startPages()
    const admin = await app.enter(root)
    const user = { id: `x${text}`, name: text, email: `a@acme.example${text}`, username: text }
    await app.enter(user)
    const users = await app.get('/users', admin)
    const path = `/users/${/users\/(usr_[\w-]+)"/.exec(users.text)?.[1] ?? ''}`
    const pages = [
      users,
      await app.get('/', admin),
      await app.get('/sessions', admin),
      await app.get(path, admin),
      await app.get(`${path}/block`, admin),
      await app.get(`/users?q=${encodeURIComponent(text)}`, admin),
      await app.get(`/sessions?q=${encodeURIComponent(text)}`, admin),
      await app.get(`/users?before=${encodeURIComponent(text)}`, admin),
    ]
    for (const page of pages) {
      expect(page.status).toBe(200)
      expect(page.text).not.toMatch(/<script|<img|<svg\/onload|<!--/)
      expect(page.text.match(/<\/head>/g)).toHaveLength(1)
      expect(page.text.match(/<\/body>/g)).toHaveLength(1)
    }
  })
})

describe('a search', () => {
  test('finds users by our ID, that of the API, that of the provider, email address, and user name', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    await app.enter(ada)
    const path = await userPath(app, admin)
    for (const query of [
      'idp:ada',
      path.slice('/users/'.length),
      'ada',
      ' ADA@acme.example ',
      'Ada',
    ]) {
      const { text } = await app.get(`/users?q=${encodeURIComponent(query)}`, admin)
      expect([query, text.includes(ada.name)]).toEqual([query, true])
      expect(text.match(/class="person"/g)).toHaveLength(1)
      const sessions = await app.get(`/sessions?q=${encodeURIComponent(query)}`, admin)
      expect([query, sessions.text.includes(ada.name)]).toEqual([query, true])
    }
    const none = await app.get('/users?q=nobody@acme.example', admin)
    expect(none.text).toContain('No user found')
    expect(none.text).toContain('value="nobody@acme.example"')
    expect((await app.get('/sessions?q=nobody', admin)).text).toContain('No session found')
  })

  test('finds a session by its handle', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    await app.enter(ada)
    const { items } = await app.gate.auth.sessions.list()
    const [newest] = items
    const { text } = await app.get(`/sessions?q=${newest?.id ?? ''}`, admin)
    expect(text).toContain(ada.name)
    expect(text.match(/class="device"/g)).toHaveLength(1)
  })
})

describe('lists', () => {
  test('have pages, and every user is on exactly one', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    for (let index = 0; index < 60; index++)
      await app.enter({ id: `u${index}`, name: `User ${index}` })
    /** The names on each page, and the path of the last one. */
    const follow = async (start: string, rel: 'next' | 'prev') => {
      const pages: string[][] = []
      let last = start
      for (let path: string | undefined = start; path !== undefined;) {
        const { text }: { text: string } = await app.get(path, admin)
        pages.push(namesOn(text))
        last = path
        path = linkOf(text, rel)
      }
      return { pages, last }
    }
    const { pages, last } = await follow('/users', 'next')
    const all = pages.flat()
    expect([pages.length, all.length, new Set(all).size]).toEqual([3, 61, 61])
    // And back again, page by page.
    expect(await follow(last, 'prev')).toEqual({ pages: pages.reverse(), last: '/users' })
  })

  test.each([
    ['no way back', ''],
    ['markup', '"><script>alert(1)</script>'],
    ['other sites', 'https://evil.example'],
    ['too many cursors', Array(50).fill('usr_1_YQ').join('~')],
    ['a long one', 'x'.repeat(1000)],
    ['an empty one', 'first~~usr_1_YQ'],
  ])('ignore a forged way back: %s', async (_, newer) => {
    const app = await startPages()
    const admin = await app.enter(root)
    const query = new URLSearchParams({ before: 'usr_zzzzzzzz_YQ', newer })
    const { status, text } = await app.get(`/users?${query}`, admin)
    expect(status).toBe(200)
    expect(text).toContain('rel="first"')
    expect(text).not.toContain('rel="prev"')
    expect(text).not.toMatch(/<script|evil\.example/)
  })

  test('of any length have links of a bounded length', () => {
    let query = new URLSearchParams()
    for (let page = 1; page < 60; page++) {
      const next = `usr_${page}_${'x'.repeat(150)}`
      const text = String(pagination({ url: '/admin/users', query, next }))
      const link = linkOf(text, 'next') ?? ''
      expect(link.length).toBeLessThan(2000)
      if (page > 1) expect(text).toContain('rel="prev"')
      query = new URLSearchParams(link.slice(link.indexOf('?')))
    }
  })

  test('without items say so', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    const path = await userPath(app, admin, root.name)
    const id = path.slice('/users/'.length)
    expect((await app.get(`/users?before=${id}`, admin)).text).toContain('No more users')
    expect((await app.get('/users/usr_1_YQ', admin)).status).toBe(404)
    expect((await app.get('/users/nonsense', admin)).status).toBe(404)
    expect((await app.get('/sessions/nonsense/end', admin)).status).toBe(404)
  })
})

describe('the list of blocked users', () => {
  test('shows who is blocked, the latest first, with a button to unblock', async () => {
    const app = await startPages()
    const [admin] = [await app.enter(root), await app.enter(ada)]
    const list = '/users?show=blocked'
    expect((await app.get(list, admin)).text).toContain('No one is blocked')
    const { users } = app.gate.auth
    await users.block('idp:ada')
    const { text } = await app.get(list, admin)
    expect(namesOn(text)).toEqual([ada.name])
    expect(text).toContain(`<a href="/admin${list}" aria-current="page">Blocked</a>`)
    const path = /href="\/admin(\/users\/[\w-]+\/unblock)"/.exec(text)?.[1] ?? ''
    await app.post(path, { token: await app.tokenOf(path, admin) }, admin)
    expect((await app.get(list, admin)).text).toContain('No one is blocked')
    await expect(app.enter(ada)).resolves.toEqual(expect.any(String))
  })

  test('contains users without a record, who can be unblocked there', async () => {
    const app = await startPages()
    const [admin] = [await app.enter(root), await app.enter(ada)]
    const { users } = app.gate.auth
    await users.block('idp:ada')
    await users.delete('idp:ada')
    await users.block('idp:"><script>alert(1)</script>')
    const { text } = await app.get('/users?show=blocked', admin)
    expect(text.match(/Deleted, or has never signed in/g)).toHaveLength(2)
    expect(text).not.toContain('<script')
    const paths = [...text.matchAll(/href="\/admin(\/blocked\/[\w-]+\/unblock)"/g)]
    expect(paths).toHaveLength(2)
    for (const [, path = ''] of paths) {
      const page = await app.get(path, admin)
      expect([page.status, page.text.includes('<script')]).toEqual([200, false])
      const done = await app.post(path, { token: await app.tokenOf(path, admin) }, admin)
      expect(done.status).toBe(303)
      const location = String(done.headers.get('location'))
      expect(location).toContain('/admin/users?show=blocked&done=unblock_user')
      const after = await app.get(location.slice('/admin'.length), admin)
      expect(after.text).toContain('The user can sign in again.')
      expect((await app.get(path, admin)).status).toBe(404)
    }
    await expect(app.enter(ada)).resolves.toEqual(expect.any(String))
  })

  test('has pages', async () => {
    const app = await startPages()
    const admin = await app.enter(root)
    for (let index = 0; index < 30; index++) await app.gate.auth.users.block(`idp:u${index}`)
    const idsOn = (text: string) =>
      [...text.matchAll(/class="name"><bdi>(idp:u\d+)/g)].map((match) => match[1])
    const first = await app.get('/users?show=blocked', admin)
    const second = await app.get(linkOf(first.text, 'next') ?? '', admin)
    const ids = [...idsOn(first.text), ...idsOn(second.text)]
    expect([idsOn(first.text).length, ids.length, new Set(ids).size]).toEqual([25, 30, 30])
    expect(linkOf(second.text, 'prev')).toBe('/users?show=blocked')
  })
})

describe('a store', () => {
  const broken = (): { store: SessionStore; fail(): void } => {
    const inner = memoryStore()
    let isDown = false
    return {
      store: {
        ...inner,
        entries: (query) => {
          if (isDown) throw new Error('ECONNREFUSED password=hunter2')
          return inner.entries?.(query) ?? { entries: [], next: undefined }
        },
      },
      fail: () => void (isDown = true),
    }
  }

  test('that is down is a page with 503', async () => {
    const { store, fail } = broken()
    const app = await startPages({ gate: { store } })
    const admin = await app.enter(root)
    fail()
    for (const path of ['/users', '/sessions', '/']) {
      const { status, text, headers } = await app.get(path, admin)
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '5'])
      expect(text).toContain('The store cannot be reached')
      expect(text).not.toContain('hunter2')
    }
  })

  test('that cannot list is a page with 501 that explains it', async () => {
    const { entries: _, ...store } = memoryStore()
    const app = await startPages({ gate: { store: store } })
    const admin = await app.enter(root)
    for (const path of ['/users', '/users?show=blocked', '/sessions', '/']) {
      const { status, text } = await app.get(path, admin)
      expect([path, status]).toEqual([path, 501])
      expect(text).toContain('This store cannot list its users')
    }
  })

  test('in cookies is a page with 501, too', async () => {
    const app = await startPages({ gate: { store: cookieStore() } })
    const admin = await app.enter(root)
    expect((await app.get('/users', admin)).status).toBe(501)
    expect((await app.get('/users/usr_1_YQ', admin)).status).toBe(501)
  })
})

test('no page contains a secret: no cookie, no secret of the gate, no token of the API', async () => {
  const app = await startPages()
  const [admin, other] = [await app.enter(root), await app.enter(ada)]
  const path = await userPath(app, admin)
  const secrets = [admin, other].map((cookie) => cookie.split('=')[1] ?? '')
  secrets.push('a secret for tests', deploy)
  for (const page of ['/', '/users', path, `${path}/block`, '/sessions', '/usage', '/audit']) {
    const { text, status } = await app.get(page, admin)
    expect([page, status]).toEqual([page, 200])
    for (const secret of secrets) expect(text).not.toContain(secret)
  }
})
