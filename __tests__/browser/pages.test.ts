import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page as Tab } from 'playwright-core'
import { ERROR_CODES } from '../../src/http/error-codes.js'
import { OAuthError, type OAuthErrorCode } from '../../src/http/errors.js'
import type { PagesOption } from '../../src/pages/contexts.js'
import { type Page, type PageName, Pages } from '../../src/pages/pages.js'
import { ENGLISH } from '../../src/pages/texts.js'
import { launchBrowser } from '../support/chromium.js'

const nonce = 'bm9uY2U+/w=='
const iconOrigin = 'https://icons.example'
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9H0z"/></svg>'
const pages = new Pages({ iconUrls: [iconOrigin] })
const request = { nonce }
const { errors } = ENGLISH

/** Every page there is, with `text` in every field that holds words. */
function everyPage(text: (field: string) => string): Record<string, Page> {
  const user = {
    name: text('name'),
    email: text('email'),
    username: text('username'),
    provider: text('provider'),
  }
  const denied = {
    user,
    retryUrl: '/auth/authn?again=1',
    anotherAccountUrl: '/auth/authn?other=1',
    logoutUrl: '/auth/logout',
  }
  const authn = (name: string) => `/auth/authn?connection=${name}`
  return {
    signIn: pages.render(
      'signIn',
      {
        providers: [
          { name: 'github', label: text('first label'), color: '181717', url: authn('github') },
          { name: 'google', label: text('second label'), mark: 'google', url: authn('google') },
          { name: 'plain', label: text('third label'), url: authn('plain') },
          {
            name: 'acme',
            label: text('fourth label'),
            iconUrl: `${iconOrigin}/a.svg?b=1&c=2`,
            url: authn('acme'),
          },
        ],
      },
      request,
    ),
    error: pages.render(
      'error',
      {
        code: 'provider_error',
        status: 502,
        audience: 'owner',
        title: errors.provider_error.title,
        startUrl: '/',
        retryUrl: '/auth/authn?a=1&b=2',
        anotherProviderUrl: '/auth/authn?c=1',
        message: text('message'),
        providerMessage: text('providerMessage'),
        decisionId: text('decisionId'),
        hint: text('hint'),
      },
      request,
    ),
    errorWithoutMore: pages.render(
      'error',
      {
        code: 'not_found',
        status: 404,
        audience: 'user',
        title: errors.not_found.title,
        startUrl: '/',
        message: text('message'),
      },
      request,
    ),
    denied: pages.render(
      'denied',
      {
        ...denied,
        anotherProviderUrl: '/auth/authn?c=1',
        code: 'not_authorized',
        title: errors.not_authorized.title,
        message: text('message'),
        decisionId: text('decisionId'),
      },
      request,
    ),
    unverified: pages.render(
      'denied',
      {
        ...denied,
        code: 'email_unverified',
        title: errors.email_unverified.title,
        message: text('message'),
      },
      request,
    ),
    signedOut: pages.render('signedOut', { loginUrl: '/auth/authn' }, request),
    confirmLogout: pages.render(
      'confirmLogout',
      { confirmUrl: '/auth/logout?token=1', cancelUrl: '/', user },
      request,
    ),
    frame: pages.render('frame', { loginUrl: '/auth/authn' }, request),
    continue: pages.render(
      'continue',
      { url: 'https://idp.example/logout', message: 'signOutAtProvider' },
      request,
    ),
    lostPage: pages.render('lostPage', { url: '/page', message: 'lostForm' }, request),
    devices: pages.render(
      'devices',
      {
        devices: [
          {
            ...{ id: 'a1', isCurrent: true, browser: text('browser'), system: text('system') },
            isDeviceBound: true,
            ...{ deviceType: 'Desktop', ipAddress: text('address'), createdAt: 1, lastActive: 2 },
          },
          {
            ...{ id: 'b2', isCurrent: false, browser: null, system: text('other system') },
            isDeviceBound: false,
            ...{ deviceType: null, ipAddress: null, createdAt: 1, lastActive: 2 },
          },
          {
            ...{ id: 'c3', isCurrent: false, browser: null, system: null },
            isDeviceBound: false,
            ...{ deviceType: null, ipAddress: null, createdAt: 1, lastActive: 2 },
          },
        ],
        ...{ token: 'a-token', everywhere: 'all', formUrl: '/devices', startUrl: '/' },
        now: 100_000_000,
      },
      request,
    ),
    signedIn: pages.render('signedIn', { startUrl: '/' }, request),
  } satisfies Record<PageName, Page> & Record<string, Page>
}

const ordinary = everyPage((field) => `Some ${field}`)
const names = Object.keys(ordinary)
const hostile = [
  '<script>document.title="owned"</script>',
  '"><img src=x onerror=alert(1)>',
  "'></title></style></code><svg/onload=alert(1)>",
  '`${alert(1)}` </main></body></html><!--',
  '&lt;b&gt; &#60;b&#62; &amp;',
  '\u202Egnorw\u2066 مرحبا بالعالم',
  'W'.repeat(500),
  `ẅ${'\u0308\u0323'.repeat(200)}`,
  '\u0000\u0007\uD800',
]

describe('in a browser', () => {
  let browser: Browser
  let server: Server
  let origin: string
  let served: Record<string, Page> = {}

  beforeAll(async () => {
    server = createServer((req, res) => {
      const posted = pages.render(
        'continue',
        { url: '/after', message: 'signOutAtProvider' },
        request,
      )
      const page = req.method === 'POST' ? posted : served[(req.url ?? '').slice(1)]
      if (!page) return res.writeHead(404).end('elsewhere')
      res.setHeader('Content-Type', 'text/html; charset=utf-8')
      res.setHeader('Content-Security-Policy', page.policy)
      return res.end(page.body)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launchBrowser()
  })

  afterAll(async () => {
    await browser.close()
    await new Promise((done) => server.close(done))
  })

  async function withTab(
    options: BrowserContextOptions,
    use: (tab: Tab, requested: string[]) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext(options)
    const requested: string[] = []
    const tab = await context.newPage()
    tab.on('request', (request) => requested.push(request.url()))
    await tab.route(`${iconOrigin}/**`, (route) =>
      route.fulfill({ contentType: 'image/svg+xml', body: icon }),
    )
    try {
      await use(tab, requested)
    } finally {
      await context.close()
    }
  }

  const looks = [320, 1280].flatMap((width) =>
    (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
  )

  test.each(looks)(
    'axe finds no violations at $width px, $colorScheme',
    async ({ width, colorScheme }) => {
      served = ordinary
      await withTab({ viewport: { width, height: 700 }, colorScheme }, async (tab) => {
        for (const name of names) {
          await tab.goto(`${origin}/${name}`)
          await tab.evaluate(axe.source)
          const { violations, passes } = await tab.evaluate<axe.AxeResults>('axe.run()')
          expect(
            violations.map(({ id, nodes }) => [name, id, nodes.map((node) => node.html)]),
          ).toEqual([])
          const ran = passes.map(({ id }) => id)
          expect(ran).toEqual(
            expect.arrayContaining(['color-contrast', 'document-title', 'region']),
          )
        }
      })
    },
  )

  test('a text that is missing from right-to-left texts is English, with its punctuation at the end', async () => {
    const arabic = new Pages({ texts: { lang: 'ar', signOut: 'تسجيل الخروج' } })
    const content = { confirmUrl: '/auth/logout?token=1', cancelUrl: '/' }
    served = { confirmLogout: arabic.render('confirmLogout', content, request) }
    await withTab({ viewport: { width: 1280, height: 700 } }, async (tab) => {
      await tab.goto(`${origin}/confirmLogout`)
      const edges = await tab.evaluate<number[]>(`(() => {
        const text = document.querySelector('h1').firstChild
        const left = (offset) => {
          const range = document.createRange()
          range.setStart(text, offset)
          range.setEnd(text, offset + 1)
          return range.getBoundingClientRect().left
        }
        return [left(0), left(text.data.length - 1)]
      })()`)
      expect(edges[1]).toBeGreaterThan(Number(edges[0]))
    })
  })

  test('the icons of providers with a color have enough contrast', async () => {
    const colors = [
      '181717',
      '5E5E5E',
      '0A66C2',
      '0866FF',
      '9146FF',
      'EB5424',
      '4285F4',
      'FC6D26',
      'F78C40',
      'FF9900',
    ]
    const providers = colors.map((color) => ({ name: color, label: color, color, url: '/' }))
    served = { brands: pages.render('signIn', { providers }, request) }
    await withTab({}, async (tab) => {
      await tab.goto(`${origin}/brands`)
      const letters = await tab.evaluate<[string, string][]>(
        `[...document.querySelectorAll(".glyph")].map(glyph => {
          const { backgroundColor, color } = getComputedStyle(glyph)
          return [backgroundColor, color]
        })`,
      )
      const [white, black] = ['rgb(255, 255, 255)', 'rgb(0, 0, 0)']
      const fivefold = (color: string) => Array.from({ length: 5 }, () => color)
      expect(letters.map(([, color]) => color)).toEqual([...fivefold(white), ...fivefold(black)])
      expect(letters[6]?.[0]).toBe('rgb(66, 133, 244)')
    })
  })

  test('no page scrolls sideways at 320 px, even with long words', async () => {
    const width = 320
    await withTab({ viewport: { width, height: 640 } }, async (tab) => {
      for (const words of ['short', ...hostile]) {
        served = everyPage(() => words)
        for (const name of names) {
          await tab.goto(`${origin}/${name}`)
          const room = await tab.evaluate<number>('document.documentElement.scrollWidth')
          const spilled = await tab.evaluate<number>(
            'Math.max(...[...document.querySelectorAll("main *")].map(e => e.getBoundingClientRect().right))',
          )
          expect({ name, words, room }).toEqual({ name, words, room: width })
          expect(spilled).toBeLessThanOrEqual(width)
        }
      }
    })
  })

  test('hostile text adds no node, attribute or request, and is shown literally', async () => {
    const shape =
      '[...document.querySelectorAll("*")].map(e => e.tagName + [...e.getAttributeNames()]).join()'
    await withTab({}, async (tab, requested) => {
      for (const name of names) {
        served = everyPage(() => 'short')
        await tab.goto(`${origin}/${name}`)
        const before = await tab.evaluate<string>(shape)
        const title = await tab.title()
        for (const words of hostile) {
          served = everyPage(() => words)
          await tab.goto(`${origin}/${name}`)
          expect(await tab.evaluate<string>(shape)).toBe(before)
          expect(await tab.title()).toBe(title)
          if (
            !['frame', 'signedOut', 'continue', 'lostPage', 'signedIn'].includes(name) &&
            !words.includes('\u0000')
          ) {
            expect(await tab.evaluate<string>('document.body.textContent')).toContain(words)
          }
        }
      }
      const others = new Set(
        requested.filter((url) => !names.includes(url.slice(origin.length + 1))),
      )
      expect([...others]).toEqual([`${iconOrigin}/a.svg?b=1&c=2`])
    })
  })

  test('the Content-Security-Policy allows our style and the icons, and no other style, script or image', async () => {
    const body = pages
      .render('signIn', { providers: [] }, request)
      .body.replace(
        '</main>',
        () =>
          '<p id="attribute" style="color: red">x</p><style>p { color: red }</style><script>document.title = "ran"</script>' +
          '<img src="https://elsewhere.example/x.png"></main>',
      )
    served = {
      ...ordinary,
      planted: { ...pages.render('signIn', { providers: [] }, request), body },
    }
    await withTab({}, async (tab) => {
      const complaints: string[] = []
      const blocked: (string | undefined)[] = []
      tab.on('requestfailed', (request) =>
        blocked.push(`${request.url()} ${request.failure()?.errorText}`),
      )
      tab.on('console', (message) => complaints.push(message.text()))
      await tab.goto(`${origin}/signIn`)
      expect(
        await tab.evaluate<string>('getComputedStyle(document.querySelector("main")).borderRadius'),
      ).toBe('16px')
      expect(
        await tab.evaluate<number>('document.querySelector("img").naturalWidth'),
      ).toBeGreaterThan(0)
      expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([])
      await tab.goto(`${origin}/planted`)
      expect(await tab.title()).toBe('Sign in')
      const color = await tab.evaluate<string>(
        'getComputedStyle(document.querySelector("#attribute")).color',
      )
      expect(color).not.toBe('rgb(255, 0, 0)')
      expect(blocked).toEqual(['https://elsewhere.example/x.png csp'])
    })
  })

  test('all actions work without script and by keyboard, in reading order', async () => {
    served = ordinary
    const orders: Record<string, readonly string[]> = {
      signIn: ['first', 'second', 'third', 'fourth'].map(
        (label) => `Sign in with Some ${label} label`,
      ),
      error: ['Try again', 'Sign in another way'],
      errorWithoutMore: ['Go to the start page'],
      denied: ['Use another account', 'Try again', 'Sign in another way', 'Sign out'],
      unverified: ['Try again', 'Use another account', 'Sign out'],
      signedOut: ['Sign in again'],
      confirmLogout: ['Sign out', 'Stay signed in'],
      frame: ['Sign in'],
      continue: ['Continue'],
      lostPage: ['Continue'],
      devices: ['Sign out', 'Sign out', 'Sign out', 'Sign out everywhere', 'Go to the start page'],
      signedIn: ['Go to the start page'],
    }
    expect(Object.keys(orders)).toEqual(names)
    await withTab({ javaScriptEnabled: false }, async (tab) => {
      for (const [name, order] of Object.entries(orders)) {
        await tab.goto(`${origin}/${name}`)
        const controls = 'a, button, input:not([type=hidden]), [tabindex]'
        expect(await tab.locator(controls).count()).toBe(order.length)
        for (const label of order) {
          await tab.keyboard.press('Tab')
          const focused = tab.locator(':focus-visible')
          expect(
            await focused.locator(':scope > :last-child, :scope:not(:has(*))').innerText(),
          ).toBe(label)
          expect(
            await tab.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle'),
          ).toBe('solid')
        }
      }
      await tab.goto(`${origin}/confirmLogout`)
      await tab.keyboard.press('Tab')
      await tab.keyboard.press('Enter')
      await tab.waitForURL(`${origin}/auth/logout?token=1`)
      expect(await tab.locator('main').innerText()).toContain(ENGLISH.signOutAtProvider)
    })
  })

  test('in a frame of the same app the link opens in the top window', async () => {
    const body =
      '<!doctype html><title>app</title><iframe src="/frame"></iframe><iframe src="/signedOut"></iframe>'
    served = {
      ...ordinary,
      app: { body, policy: '', frameOptions: 'DENY', referrerPolicy: 'no-referrer', vary: [] },
    }
    await withTab({}, async (tab) => {
      await tab.goto(`${origin}/app`)
      expect(
        await tab.frameLocator('iframe >> nth=1').getByText('You are signed out').count(),
      ).toBe(0)
      await tab.frameLocator('iframe >> nth=0').getByRole('link', { name: 'Sign in' }).click()
      await tab.waitForURL(`${origin}/auth/authn`)
      expect(tab.frames()).toHaveLength(1)
    })
  })

  const image = `data:image/svg+xml,${encodeURIComponent(icon)}`
  const arabic = { lang: 'ar', signIn: 'تسجيل الدخول', support: 'مساعدة' }
  const branded = (accentColor: string) =>
    new Pages({
      branding: {
        appName: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk AG',
        logoUrl: image,
        accentColor,
        supportUrl: 'https://acme.example/help',
      },
      texts: arabic,
    })

  test.each(['light', 'dark'] as const)(
    'with branding and from right to left, axe finds no violations at 320 px, and nothing spills, %s',
    async (colorScheme) => {
      await withTab({ viewport: { width: 320, height: 640 }, colorScheme }, async (tab) => {
        for (const color of ['#ffff66', '#0a0a0a', '#ff6600', '#5b5bd6']) {
          served = {
            branded: branded(color).render('signedOut', { loginUrl: '/' }, request),
            signIn: branded(color).render(
              'signIn',
              { providers: [{ name: 'facebook', label: 'فيسبوك', mark: 'facebook', url: '/' }] },
              request,
            ),
          }
          for (const name of Object.keys(served)) {
            await tab.goto(`${origin}/${name}`)
            await tab.evaluate(axe.source)
            const { violations } = await tab.evaluate<axe.AxeResults>('axe.run()')
            expect(violations.map(({ id, nodes }) => [color, id, nodes[0]?.html])).toEqual([])
            expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBe(320)
            expect(await tab.evaluate('document.querySelector("main img").naturalWidth > 0')).toBe(
              true,
            )
          }
          expect(
            await tab.evaluate<boolean>(
              'document.querySelector(".mark").getBoundingClientRect().left > document.querySelector(".provider > :last-child").getBoundingClientRect().left',
            ),
          ).toBe(true)
        }
      })
    },
  )

  test('works with large text: nothing spills at 320 px and twice the font size', async () => {
    served = ordinary
    await withTab({ viewport: { width: 320, height: 640 } }, async (tab) => {
      for (const name of names) {
        await tab.goto(`${origin}/${name}`)
        await tab.evaluate('document.documentElement.style.fontSize = "200%"')
        const room = await tab.evaluate<number>('document.documentElement.scrollWidth')
        expect([name, room]).toEqual([name, 320])
      }
    })
  })

  test('respects forced colors and reduced motion', async () => {
    served = ordinary
    await withTab({ forcedColors: 'active', reducedMotion: 'reduce' }, async (tab) => {
      await tab.goto(`${origin}/denied`)
      const primary = 'getComputedStyle(document.querySelector(".primary"))'
      expect(await tab.evaluate<string>(`${primary}.borderTopWidth`)).toBe('2px')
      expect(await tab.evaluate<string>(`${primary}.transitionDuration`)).toBe('0s')
    })
  })
})

test('the style has the nonce of the Content-Security-Policy', () => {
  for (const { body, policy } of Object.values(ordinary)) {
    expect(body.match(/<style[^>]*>/g)).toEqual([`<style nonce="${nonce}">`])
    expect(policy).toContain(`; style-src 'nonce-${nonce}'; `)
  }
})

test('the Content-Security-Policy allows only our style, the icons, our form and, on one page each, our frame and our script', () => {
  const rest = "base-uri 'none'; form-action 'self'; frame-ancestors"
  const script = `script-src 'nonce-${nonce}'; `
  const ownWith = (more: string) =>
    `default-src 'none'; ${more}style-src 'nonce-${nonce}'; img-src data: ${iconOrigin}; ${rest}`
  for (const [name, { policy }] of Object.entries(ordinary)) {
    const own = ownWith(name === 'signedIn' ? script : '')
    expect(policy).toBe(name === 'frame' ? `${own} 'self'` : `${own} 'none'`)
  }
  const withoutIcons = new Pages().render('frame', { loginUrl: '/' }, request)
  expect(withoutIcons.policy).toBe(
    `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; ${rest} 'self'`,
  )
  const origins = new Pages({
    iconUrls: [iconOrigin, `${iconOrigin}/`, 'https://b.example'],
  })
  expect(origins.render('signIn', { providers: [] }, request).policy).toContain(
    `img-src data: ${iconOrigin} https://b.example; `,
  )
})

test('every page has one heading that equals its title, and viewport and robots meta tags', () => {
  for (const [name, { body }] of Object.entries(ordinary)) {
    const [, title] = /<title>(.+)<\/title>/.exec(body) ?? []
    expect(body.match(/<h1>.*<\/h1>/g)).toEqual([`<h1>${title}</h1>`])
    expect(body).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/)
    expect(body).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(body).toContain('<meta name="robots" content="noindex">')
    // Without it, browsers request the icon of the app.
    expect(body).toContain('<link rel="icon" href="data:image/svg+xml,')
    const isOurs = name === 'signedIn'
    expect(isOurs ? body.replace(/<script nonce="[\w+/=]+">new Broad/, '') : body).not.toMatch(
      /<script|style=|url\(|@import| on\w+=/i,
    )
  }
})

test('each error has a title, its code and a next step, and no page refers users to documentation', () => {
  for (const code of Object.keys(ERROR_CODES) as OAuthErrorCode[]) {
    const { status, message, audience } = new OAuthError(code)
    const { title } = errors[code]
    const content = { code, title, status, message, audience, startUrl: '/' }
    const { body } = pages.render('error', content, request)
    expect(body).toMatch(/<h1>[A-Z][a-z -]+[^<]*<\/h1>/)
    expect(body).toContain(`Error code <code>${code}</code>`)
    expect(body).toContain('>Go to the start page</a>')
    expect(body).not.toMatch(/README|documentation|docs/)
  }
})

test('provider messages are cut at 512 characters', () => {
  const { body } = pages.render(
    'error',
    {
      code: 'provider_error',
      title: 't',
      status: 502,
      audience: 'owner',
      startUrl: '/',
      message: 'm',
      providerMessage: 'Ä'.repeat(600),
    },
    request,
  )
  expect(body.match(/Ä/g)).toHaveLength(512)
})

test('shows icons only from https URLs, otherwise a neutral one', () => {
  const withHttp = new Pages({ iconUrls: [iconOrigin, 'http://icons.example'] })
  const shown = (iconUrl: string) =>
    withHttp.render(
      'signIn',
      { providers: [{ name: 'a', label: 'élan', iconUrl, url: '/' }] },
      request,
    ).body
  expect(shown(`${iconOrigin}/a.svg`)).toContain(`<img src="${iconOrigin}/a.svg" alt="">`)
  const wrong = [
    'http://icons.example/a',
    'https://elsewhere.example/a',
    'javascript:alert(1)',
    '/a.svg',
    'data:,x',
  ]
  for (const url of wrong) {
    expect(shown(url)).not.toContain('<img')
    expect(shown(url)).toContain('<span class="glyph neutral "><svg')
  }
})

test('an invalid color does not change the style', () => {
  const style = (color: string | undefined) => {
    const { body } = pages.render(
      'signIn',
      { providers: [{ name: 'a', label: 'A', color, url: '/' }] },
      request,
    )
    return /<style[^]*<\/style>/.exec(body)?.[0]
  }
  for (const color of ['red; } body { display: none', '#12', '12345', '</style><b>', '']) {
    expect(style(color)).toBe(style(undefined))
  }
  expect(style('#fff')).toContain('.brand-0 { background: #ffffff; color: #000; }')
})

test('a link with another scheme than http(s) is an error', () => {
  const wrong = [
    'javascript:alert(1)',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'data:,x',
    'x',
    '',
  ]
  for (const url of wrong) {
    expect(() => pages.render('frame', { loginUrl: url }, request)).toThrow(/a link must be a path/)
    expect(() =>
      pages.render('confirmLogout', { confirmUrl: url, cancelUrl: '/' }, request),
    ).toThrow(/a link must be a path/)
  }
})

describe('custom pages', () => {
  const with_ = (custom: PagesOption) => new Pages({ custom })
  const facts = {
    code: 'provider_error',
    title: 't',
    status: 502,
    audience: 'owner',
    message: '<b>',
    startUrl: '/',
  } as const

  test('replace the built-in ones and receive unescaped strings, the html tag and the nonce', () => {
    const made = with_({
      error: (context) =>
        context.html`<style nonce="${context.nonce}"></style><p>${context.message}</p>`,
      signedOut: ({ loginUrl }) => `<a href="${loginUrl}">again</a>`,
    })
    const { body, policy } = made.render('error', facts, request)
    expect(body).toBe(`<style nonce="${nonce}"></style><p>&lt;b&gt;</p>`)
    expect(policy).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}' 'self'; img-src data: 'self'; font-src 'self'; ` +
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    expect(made.render('signedOut', { loginUrl: '/auth/authn' }, request).body).toBe(
      '<a href="/auth/authn">again</a>',
    )
    expect(made.render('signIn', { providers: [] }, request).body).toContain('<h1>Sign in</h1>')
  })

  test('propagate their own error', () => {
    const broken = with_({
      error: () => {
        throw new RangeError('mine')
      },
    })
    expect(() => broken.render('error', facts, request)).toThrow(new RangeError('mine'))
  })

  test('must return markup', () => {
    for (const made of [undefined, 7, {}, Promise.resolve('x')]) {
      const wrong = with_({ signIn: () => made as unknown as string })
      expect(() => wrong.render('signIn', { providers: [] }, request)).toThrow(
        /must return a string/,
      )
    }
  })
})
