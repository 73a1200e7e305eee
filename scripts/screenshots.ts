// Takes every page of the gate and of the development providers in light and dark, at three widths, with short, very long,
// right-to-left and Japanese names: `npx tsx scripts/screenshots.ts FOLDER [PAGE …]`. With `--docs`, takes those of
// docs/screenshots.md instead. Needs Chromium (CHROMIUM_PATH).
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { personasPage } from '../src/dev/dev-pages.js'
import { defaultPersonas } from '../src/dev/personas.js'
import { personaPage } from '../src/dev/vendors/pages.js'
import type { VendorRequest } from '../src/dev/vendors/types.js'
import { ERROR_CODES, type OAuthErrorCode } from '../src/http/error-codes.js'
import type { VendorMark } from '../src/oauth/definition.js'
import type { BrandingOption } from '../src/pages/branding.js'
import { type PageName, Pages, type PageContent } from '../src/pages/pages.js'
import type { PartialPageTexts } from '../src/pages/texts.js'

const nonce = 'bm9uY2U='
const logo = (ink: string) =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 40"><path fill="#5b5bd6" d="M20 4 36 34H4z"/><path fill="#8e8ef0" d="M20 4 36 34H20z"/><text x="46" y="28" font-family="Inter,sans-serif" font-size="24" font-weight="700" fill="${ink}">Acme</text></svg>`,
  )}`

interface Names {
  readonly app: string
  readonly provider: string
  readonly name: string
  readonly email: string
  readonly texts?: PartialPageTexts
}

const long = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'
const NAMES: Readonly<Record<string, Names>> = {
  short: { app: 'Acme', provider: 'Okta', name: 'Al', email: 'al@a.io' },
  documented: { app: 'Acme', provider: 'Okta', name: 'Ada Lovelace', email: 'ada@example.com' },
  long: {
    app: `${long.slice(0, 60)} AG`,
    provider: long.slice(0, 64),
    name: `Maximiliane ${long} von und zu ${long}`,
    email: `maximiliane.${long.toLowerCase()}@${'sub.'.repeat(12)}example.com`,
  },
  rtl: {
    app: 'شركة المثال',
    provider: 'المؤسسة',
    name: 'محمد بن عبد الله الأنصاري',
    email: 'mohammed@example.com',
    texts: {
      lang: 'ar',
      signInTo: 'تسجيل الدخول إلى {app}',
      signIn: 'تسجيل الدخول',
      chooseProvider: 'اختر طريقة تسجيل الدخول.',
      signInWith: 'تسجيل الدخول باستخدام {provider}',
      useAnotherAccount: 'استخدام حساب آخر',
      useAnotherProvider: 'تسجيل الدخول بطريقة أخرى',
      tryAgain: 'حاول مرة أخرى',
      signOut: 'تسجيل الخروج',
      signedInWith: 'تم تسجيل الدخول باستخدام {provider} باسم',
      support: 'الحصول على المساعدة',
      errorCode: 'رمز الخطأ',
      decisionId: 'معرّف القرار',
      errors: {
        not_authorized: {
          title: 'لا يملك هذا الحساب حق الوصول',
          message: 'لا يُسمح لهذا الحساب باستخدام هذا التطبيق.',
        },
      },
    },
  },
  japanese: {
    app: '株式会社サンプル',
    provider: '社内アカウント',
    name: '山田 太郎',
    email: 'taro.yamada@example.co.jp',
    texts: {
      lang: 'ja',
      signInTo: '{app}にサインイン',
      signIn: 'サインイン',
      chooseProvider: 'サインインの方法を選んでください。',
      signInWith: '{provider}でサインイン',
      useAnotherAccount: '別のアカウントを使う',
      useAnotherProvider: '別の方法でサインイン',
      tryAgain: 'もう一度試す',
      signOut: 'サインアウト',
      signedInWith: '{provider}でサインイン中:',
      support: 'ヘルプ',
      errorCode: 'エラーコード',
      decisionId: '判定ID',
      errors: {
        not_authorized: {
          title: 'このアカウントではアクセスできません',
          message: 'このアカウントには、このアプリケーションの利用が許可されていません。',
        },
      },
    },
  },
}

const vendors: readonly [VendorMark, string][] = [
  ['google', 'Google'],
  ['microsoft', 'Microsoft'],
  ['github', 'GitHub'],
  ['gitlab', 'GitLab'],
  ['facebook', 'Facebook'],
  ['linkedin', 'LinkedIn'],
  ['twitch', 'Twitch'],
  ['amazon', 'Amazon'],
]

/** Every page, and what the page is without branding. */
function bodies(names: Names, branding: BrandingOption): Record<string, string> {
  const pages = new Pages({ branding, texts: names.texts })
  const render = <Name extends PageName>(name: Name, content: PageContent<Name>) =>
    pages.render(name, content, { nonce }).body
  const url = '/auth/authn'
  const user = { name: names.name, email: names.email, provider: names.provider }
  const failure =
    (code: OAuthErrorCode) =>
    (texts: { errors: Record<string, { title: string; message: string }> }) => ({
      ...{ title: '', message: '', ...texts.errors[code] },
      ...{ status: ERROR_CODES[code].status, audience: ERROR_CODES[code].audience },
      ...{ retryUrl: url, anotherProviderUrl: url, startUrl: '/' },
    })
  const denial = { user, anotherAccountUrl: url, logoutUrl: url, decisionId: '3f9c2a71' }
  const errors = Object.keys(ERROR_CODES) as OAuthErrorCode[]
  const people = [
    { id: 'ada', name: names.name, email: names.email, groups: ['engineering', 'admins'] },
    ...defaultPersonas.slice(1),
  ]
  const request = { method: 'GET', url: '/authorize?a=b', body: '' } as VendorRequest
  return {
    signIn: render('signIn', {
      providers: [
        ...vendors.map(([mark, label]) => ({ name: mark, label, mark, url })),
        { name: 'own', label: names.provider, url },
        { name: 'colored', label: `${names.app} staff`, color: '#5b5bd6', url },
      ],
    }),
    signInFew: render('signIn', {
      providers: vendors.slice(0, 4).map(([mark, label]) => ({ name: mark, label, mark, url })),
    }),
    denied: render('denied', (texts) => ({
      ...failure('not_authorized')(texts),
      ...denial,
      code: 'not_authorized' as const,
    })),
    unverified: render('denied', (texts) => ({
      ...failure('email_unverified')(texts),
      ...denial,
      code: 'email_unverified' as const,
      hint: ERROR_CODES.email_unverified.hint,
    })),
    signedOut: render('signedOut', { loginUrl: url }),
    confirmLogout: render('confirmLogout', { confirmUrl: url, cancelUrl: '/', user }),
    frame: render('frame', { loginUrl: url }),
    continue: render('continue', { url, message: 'signOutAtProvider' }),
    lostPage: render('lostPage', { url, message: 'lostForm' }),
    personas: personasPage(nonce, '/interaction/x', people),
    vendor: String(personaPage(request, people).body),
    ...Object.fromEntries(
      errors.map((code) => [
        `error-${code}`,
        render('error', (texts) => ({
          ...failure(code)(texts),
          ...(!ERROR_CODES[code].retryable &&
            code !== 'misconfigured' && { retryUrl: undefined, anotherProviderUrl: undefined }),
          ...(code === 'access_denied' && {
            providerMessage: `${names.name} did not grant access`,
          }),
          ...(code === 'misconfigured' && { hint: ERROR_CODES[code].hint }),
          code,
        })),
      ]),
    ),
  }
}

interface Shot {
  readonly file: string
  readonly body: string
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
  readonly height?: number
}

const SCHEMES = ['light', 'dark'] as const
const WIDTHS = [320, 768, 1280]

function brandingOf({ app }: Names): BrandingOption {
  return { appName: app, supportUrl: 'https://acme.example/help' }
}

const LOGO: BrandingOption = {
  logoUrl: logo('#1a1d21'),
  darkLogoUrl: logo('#fff'),
  accentColor: '#5b5bd6',
}

/** Every page in every look; without branding only with short names. */
function everyShot(only: readonly string[]): Shot[] {
  return Object.entries(NAMES).flatMap(([kind, names]) => {
    const branding = brandingOf(names)
    if (kind === 'documented') return []
    const looks = { plain: {}, named: branding, logo: { ...branding, ...LOGO } }
    return Object.entries(looks).flatMap(([look, chosen]) => {
      if (look === 'plain' && kind !== 'short') return []
      const pages = Object.entries(bodies(names, chosen)).filter(
        ([name]) => only.length === 0 || only.includes(name),
      )
      return pages.flatMap(([name, body]) =>
        SCHEMES.flatMap((colorScheme) =>
          WIDTHS.map((width) => ({
            file: `${name}-${kind}-${look}-${colorScheme}-${width}.png`,
            ...{ body, colorScheme, width },
          })),
        ),
      )
    })
  })
}

/** The pictures of docs/screenshots.md. */
function documentedShots(): Shot[] {
  const of = (kind: string, look: BrandingOption = LOGO) => {
    const names = NAMES[kind]
    if (names === undefined) throw new Error(`there are no names of the kind ${kind}`)
    return bodies(names, { ...brandingOf(names), ...look })
  }
  const short = of('documented')
  const rows: readonly (readonly [string, string | undefined, Partial<Shot>?])[] = [
    ['sign-in', short['signInFew']],
    ['sign-in-dark', short['signInFew'], { colorScheme: 'dark' }],
    ['sign-in-all', of('documented', {})['signIn']],
    ['sign-in-all-dark', of('documented', {})['signIn'], { colorScheme: 'dark' }],
    ['sign-in-arabic', of('rtl')['signInFew']],
    ['sign-in-japanese', of('japanese')['signInFew']],
    ['sign-in-phone', short['signInFew'], { width: 320 }],
    ['denied', short['denied']],
    ['denied-dark', short['denied'], { colorScheme: 'dark' }],
    ['denied-arabic', of('rtl')['denied']],
    ['denied-long-names', of('long')['denied'], { width: 320 }],
    ['error', short['error-provider_unreachable']],
    ['misconfigured', short['error-misconfigured']],
    ['signed-out', short['signedOut']],
    ['confirm', short['confirmLogout']],
    ['personas', short['personas']],
  ]
  return rows.map(([name, body = '', more]) => ({
    ...{ file: `${name}.png`, body, colorScheme: 'light', width: 480, height: 400 },
    ...more,
  }))
}

async function take(browser: Browser, folder: string, shots: readonly Shot[]): Promise<void> {
  for (const { file, body, colorScheme, width, height = 560 } of shots) {
    const viewport = { width, height }
    const page = await browser.newPage({ viewport, colorScheme, javaScriptEnabled: false })
    await page.setContent(body)
    await page.screenshot({ path: join(folder, file), fullPage: true })
    await page.close()
  }
}

const [target = 'screenshots', ...only] = process.argv.slice(2)
const isForDocs = target === '--docs'
const folder = isForDocs ? 'docs/images' : target
await mkdir(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
await take(browser, folder, isForDocs ? documentedShots() : everyShot(only))
await browser.close()
