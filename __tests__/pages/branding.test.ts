import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import type { OAuthModuleOptions } from '../../src/index.js'
import { accentColors } from '../../src/pages/colors.js'
import { acceptedLanguages } from '../../src/pages/languages.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'

let vendor: VendorServer
beforeAll(async () => {
  vendor = await startVendor('oidc')
})
afterAll(stopAll)

const branding = {
  appName: 'Acme & Co',
  logoUrl: 'https://cdn.example/logo.svg',
  darkLogoUrl: '/assets/dark.svg',
  accentColor: '#F60',
  supportUrl: 'mailto:help@acme.example',
}

const gateWith = (options: Partial<OAuthModuleOptions>) =>
  startGate({
    provider: { idp: oidcOf(vendor), denying: oidcOf(vendor, { emailDomains: ['other.example'] }) },
    ...options,
  })

/** Built-in pages, as a browser gets them. */
async function pagesOf(gate: Awaited<ReturnType<typeof gateWith>>, headers = {}) {
  const user = createBrowser()
  await user.get(gate.url('/auth/authn?connection=idp'))
  const crossSite = { 'Sec-Fetch-Site': 'cross-site', ...headers }
  return {
    signIn: await createBrowser().get(gate.url('/auth/authn'), { headers }),
    error: await createBrowser().get(gate.url('/auth/none'), { headers }),
    expired: await createBrowser().get(gate.url('/auth/callback?state=x&code=y'), { headers }),
    denied: await createBrowser().get(gate.url('/auth/authn?connection=denying'), { headers }),
    confirmLogout: await user.get(gate.url('/auth/logout'), { headers: crossSite }),
    frame: await createBrowser().get(gate.url('/x'), {
      headers: { 'Sec-Fetch-Dest': 'iframe', ...headers },
    }),
    signedOut: await createBrowser().get(gate.url('/auth/logout'), { headers }),
  }
}

describe('branding', () => {
  test('is on every page, which may load the logos', async () => {
    const gate = await gateWith({ branding })
    for (const [name, { body, headers }] of Object.entries(await pagesOf(gate))) {
      expect([name, body]).toEqual([name, expect.stringContaining('alt="Acme &amp; Co"')])
      expect(body).toContain('<img src="https://cdn.example/logo.svg"')
      expect(body).toContain('<source srcset="/assets/dark.svg"')
      expect(body).toContain('--action: #ff6600; --on-action: #000;')
      expect(body).toContain('<footer><a href="mailto:help@acme.example">Get help</a></footer>')
      expect(body).toMatch(/<title>.*Acme &amp; Co<\/title>/)
      const policy = String(headers['content-security-policy'])
      expect(policy).toMatch(/img-src data: https:\/\/cdn\.example 'self'; base-uri 'none'/)
      expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[A-Za-z0-9+/=]+'; img-src/)
      expect(policy).toContain("form-action 'self'")
    }
  })

  test('changes with reconfigure()', async () => {
    const gate = await gateWith({ branding })
    const provider = { idp: oidcOf(vendor), other: oidcOf(vendor) }
    gate.middleware.reconfigure({ provider, branding: { appName: 'Renamed' } })
    const { body } = await createBrowser().get(gate.url('/auth/authn'))
    expect(body).toContain('<h1>Sign in to Renamed</h1>')
    expect(() => gate.middleware.reconfigure({ provider, branding: { appName: '' } })).toThrow(
      /branding\.appName/,
    )
  })

  test('each sentence is on a page once', async () => {
    const gate = await gateWith({ branding })
    for (const { body } of Object.values(await pagesOf(gate))) {
      const [, main = ''] = /<main>([^]*)<\/main>/.exec(body) ?? []
      // The hint for developers is that of the log.
      const visible = main.replace(/<p class="hint"[^]*?<\/p>/, '').replace(/<\/?bdi>/g, '')
      const texts = visible.split(/<[^>]+>/).flatMap((part) => part.trim() || [])
      expect(texts).toEqual([...new Set(texts)])
      expect(texts.join('\n')).not.toMatch(/\blog[- ]?(?:in|out)\b/i)
    }
  })
})

describe('accentColor', () => {
  const contrast = (one: string, other: string) => {
    const [light = 0, dark = 0] = [one, other]
      .map((color) => {
        const full = color.length === 4 ? color.replace(/[^#]/g, (digit) => digit + digit) : color
        const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
          const channel = Number.parseInt(full.slice(at, at + 2), 16) / 255
          return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
      })
      .sort((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  }
  const steps = ['00', '33', '66', '99', 'cc', 'ff']
  const colors = steps.flatMap((red) =>
    steps.flatMap((green) => steps.map((blue) => `#${red}${green}${blue}`)),
  )

  test.each([
    ['light', ['#ffffff', '#f5f6f8']],
    ['dark', ['#17191d', '#0d0e11']],
  ] as const)('keeps the contrast that WCAG requires, on %s pages', (scheme, surfaces) => {
    for (const color of colors) {
      const { action, onAction, actionHover, actionLine, link } = accentColors(color, scheme)
      expect(contrast(onAction, action)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(onAction, actionHover)).toBeGreaterThanOrEqual(4.5)
      for (const surface of surfaces) {
        expect(contrast(link, surface)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(actionLine, surface)).toBeGreaterThanOrEqual(3)
      }
    }
  })
})

describe('texts', () => {
  const texts = {
    de: { signIn: 'Anmelden', signInWith: 'Mit {provider} anmelden' },
    ar: { signIn: 'تسجيل الدخول', errors: { not_found: { title: 'غير موجود' } } },
    none: {},
  }
  const byLanguage = (language: string) => texts[language as keyof typeof texts]

  test.each([
    ['de', 'de', 'ltr', 'Anmelden'],
    ['de-CH,en;q=0.5', 'de', 'ltr', 'Anmelden'],
    ['fr, de;q=0.8, en;q=0.9', 'en', 'ltr', 'Sign in'],
    ['en-GB,de;q=0.9', 'en', 'ltr', 'Sign in'],
    ['en;q=0.1,ar-EG;q=0.2', 'ar', 'rtl', 'تسجيل الدخول'],
    ['none', 'en', 'ltr', 'Sign in'],
    ['de;q=0', 'en', 'ltr', 'Sign in'],
    ['"><script>, *, __proto__, x', 'en', 'ltr', 'Sign in'],
  ])('follow Accept-Language: %s', async (accepted, lang, dir, heading) => {
    const gate = await gateWith({ texts: byLanguage })
    const page = await createBrowser().get(gate.url('/auth/authn'), {
      headers: { 'Accept-Language': accepted },
    })
    expect(page.body).toContain(`<html lang="${lang}" dir="${dir}">`)
    expect(page.body).toContain(`<h1>${heading}</h1>`)
    expect(page.headers['vary']).toBe('Cookie, Accept-Language')
  })

  test('have lang, dir and Vary on every page', async () => {
    const gate = await gateWith({ texts: byLanguage })
    const pages = await pagesOf(gate, { 'Accept-Language': 'ar' })
    for (const [name, { body, headers }] of Object.entries(pages)) {
      expect([name, body]).toEqual([name, expect.stringContaining('<html lang="ar" dir="rtl">')])
      expect(headers['vary']).toBe('Cookie, Accept-Language')
    }
    expect(pages.error.body).toContain('<h1>غير موجود</h1>')
    expect(pages.error.body).toContain('There is nothing at this URL.')
  })

  test('as an object replace the wording, in any language', async () => {
    const gate = await gateWith({ texts: { lang: 'he', signIn: 'כניסה' } })
    const page = await createBrowser().get(gate.url('/auth/authn'))
    expect(page.body).toContain('<html lang="he" dir="rtl">')
    expect(page.body).toContain('<h1>כניסה</h1>')
    expect(page.headers['vary']).toBe('Cookie')
  })

  test.each<[string, () => never]>([
    ['throws', () => raise()],
    ['returns a promise', () => Promise.resolve({ signIn: 'x' }) as never],
    ['returns an unknown text', () => ({ signin: 'x' }) as never],
    ['forgets a placeholder', () => ({ signInWith: 'x' }) as never],
  ])('of a function that %s are English, and the log names it', async (_, failing) => {
    const gate = await gateWith({ texts: failing })
    const page = await createBrowser().get(gate.url('/auth/authn'))
    expect([page.status, page.body.includes('<h1>Sign in</h1>')]).toEqual([200, true])
    expect(gate.logged.join('\n')).toContain('the function of the option texts failed')
  })

  test('are requested for at most ten languages', () => {
    expect(acceptedLanguages('a-b,'.repeat(200))).toHaveLength(10)
    expect(acceptedLanguages(undefined)).toEqual([])
  })
})

function raise(): never {
  throw new Error('mine')
}

describe('custom pages', () => {
  const pages: OAuthModuleOptions['pages'] = {
    signedOut: ({ html, branding: { appName }, nonce, lang, dir }) =>
      html`<html lang="${lang}" dir="${dir}"><link rel="stylesheet" href="/a.css"><style nonce="${nonce}"></style>${appName}`,
  }
  const load = (url: string, headers: Record<string, string> = {}) =>
    createBrowser().get(url, {
      headers: {
        'Sec-Fetch-Mode': 'no-cors',
        'Sec-Fetch-Dest': 'style',
        'Sec-Fetch-Site': 'same-origin',
        ...headers,
      },
    })

  test('may load styles, images and fonts of the app, and receive the branding unescaped', async () => {
    const gate = await gateWith({ pages, branding: { appName: '<Acme>' } })
    const page = await createBrowser().get(gate.url('/auth/logout'))
    expect(page.body).toMatch(/^<html lang="en" dir="ltr">.*&lt;Acme&gt;$/)
    const policy = String(page.headers['content-security-policy'])
    const [, nonce] = /nonce="([^"]+)"/.exec(page.body) ?? []
    expect(policy).toContain(
      `style-src 'nonce-${nonce}' 'self'; img-src data: 'self'; font-src 'self';`,
    )
    expect(policy).not.toContain('script')
  })

  test('a file of a custom page that the gate rejects is a warning, once', async () => {
    const gate = await gateWith({ pages })
    expect((await load(gate.url('/b.css'))).status).toBe(401)
    expect(gate.logged.join('\n')).not.toContain('rejected a file')
    await createBrowser().get(gate.url('/auth/logout'))
    await load(gate.url('/favicon.ico'), { 'Sec-Fetch-Dest': 'image' })
    await load(gate.url('/c.css'), { Referer: gate.url('/page') })
    await load(gate.url('/c.css'), { 'Sec-Fetch-Site': 'cross-site' })
    expect(gate.logged.join('\n')).not.toContain('rejected a file')
    await load(gate.url('/a.css'))
    await load(gate.url('/a.woff2'), { 'Sec-Fetch-Dest': 'font' })
    const warnings = gate.logged.filter((line) => line.includes('rejected a file'))
    expect(warnings).toEqual([
      expect.stringMatching(/^warn .*"\/a\.css".*serve it before the gate/),
    ])
  })

  test('a logo that the gate rejects is a warning, one that the app serves is not', async () => {
    const gate = await gateWith({ branding: { logoUrl: '/logo.svg?v=1', appName: 'Acme' } })
    await load(gate.url('/logo.svg?v=1'), { 'Sec-Fetch-Dest': 'image' })
    expect(gate.logged.join('\n')).toContain('the logo of the option branding')
    const serving = await startGate(
      { provider: { idp: oidcOf(vendor) }, branding: { logoUrl: '/logo.svg' } },
      {
        before: (app) => void app.use('/logo.svg', express.text(), (_, res) => void res.send('x')),
      },
    )
    expect((await load(serving.url('/logo.svg'), { 'Sec-Fetch-Dest': 'image' })).status).toBe(200)
    expect(serving.logged.join('\n')).not.toContain('rejected a file')
  })
})
