// Takes the pages of adminRouter() and of devices() in light and dark, at three widths, with names in many scripts:
// `npx tsx scripts/admin-screenshots.ts FOLDER [PAGE …]`. With `--docs`, takes those of docs/screenshots.md instead.
// Needs Chromium (CHROMIUM_PATH).
import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import { type Browser, chromium } from 'playwright-core'
import { adminRouter } from '../src/admin/index.js'
import { AuditLog } from '../src/admin/audit-log.js'
import {
  type AdminAccess,
  type AdminActionEvent,
  ADMIN_ACCESS,
} from '../src/middleware/admin-access.js'
import { memoryStore, oauthModule, oidcProvider } from '../src/index.js'
import { signIn } from '../src/testing/index.js'

process.env['NODE_ENV'] = 'test'

const DAY = 86_400_000
const agents = {
  chrome:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
  pixel:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
  ipad: 'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  script: 'curl/8.5.0',
}
const names = [
  'Grace Hopper',
  'Alan Turing',
  'محمد بن عبد الله الأنصاري',
  '山田 太郎',
  'Zoë Ångström-Núñez',
  'Ольга Ладыженская',
  'שרה כהן',
  'आर्यभट्ट शर्मा',
  'Nguyễn Thị Minh Khai',
  'Maximiliane Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  'Katherine Johnson',
  '김민준',
  'Margaret Hamilton',
  'Linus Pauling',
]
const addresses = ['203.0.113.7', '198.51.100.23', '2001:db8:85a3::8a2e:370:7334', '192.0.2.146']
const countries: Readonly<Record<string, string>> = {
  '203.0.113.7': 'DE',
  '198.51.100.23': 'US',
  '2001:db8:85a3::8a2e:370:7334': 'JP',
}

const realNow = Date.now.bind(Date)
let offset = 0
Date.now = () => realNow() + offset

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error }
const provider = {
  github: {
    clientId: 'Iv1.8a61f9b3a7aba766',
    clientSecret: 'c'.repeat(40),
    scopes: ['read:org'],
    organizations: ['acme'],
  },
  okta: oidcProvider({
    issuer: 'https://acme.okta.example',
    clientId: '0oa1',
    clientSecret: 'd'.repeat(40),
    emailDomains: ['acme.example'],
  }),
}
const auth = oauthModule({
  provider,
  secret: 'a secret of thirty-two characters or more',
  store: memoryStore(),
  branding: { appName: 'Acme' },
  authCheckInterval: 300,
  maximumDuration: 30 * 86_400,
  id: 'app',
  configVersion: 1,
  logger: quiet,
})
const app = express().set('trust proxy', true)
app.use(
  '/admin',
  adminRouter(
    { 'main/app': auth },
    {
      tokens: { deploy: 't'.repeat(32) },
      pages: { gate: auth, rules: { emailAddresses: ['ada@acme.example'] } },
      locate: (ip) => ({ country_code: countries[ip] ?? null }),
    },
  ),
)
app.use(auth)
app.use('/devices', auth.devices())
app.use((_req, res) => void res.send('the app'))

const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address() as AddressInfo
const origin = `http://localhost:${port}`

/** Logs in as a browser with this user agent and address would, some time ago. */
async function enter(user: object, ago: number, userAgent: string, address: string) {
  offset = -ago
  const agent = {
    get(path: string) {
      const headers: Record<string, string> = {
        'User-Agent': userAgent,
        'X-Forwarded-For': address,
      }
      const request = {
        set(name: string, value: string) {
          headers[name] = value
          return request
        },
        then(...handlers: [never, never]) {
          return fetch(origin + path, { headers, redirect: 'manual' })
            .then((res) => ({
              status: res.status,
              headers: { 'set-cookie': res.headers.getSetCookie() },
            }))
            .then(...handlers)
        },
      }
      return request as never
    },
  }
  const { cookie } = await signIn(agent, auth, {
    organizations: ['acme'],
    teams: ['acme/support'],
    ...user,
  })
  offset = 0
  return cookie
}

const kinds = Object.values(agents)
const pick = <T>(list: readonly T[], index: number) => list[index % list.length] as T

for (let month = 11; month >= 1; month--)
  for (let index = 0; index < 9 + (11 - month) * 4 + (month % 3) * 5; index++)
    await enter(
      {
        id: `past-${index}`,
        name: `Person ${index}`,
        email: `person.${index}@acme.example`,
        connection: 'github',
      },
      month * 30.4 * DAY,
      pick(kinds, index),
      pick(addresses, index),
    )
for (const [index, name] of names.entries())
  for (const [device, ago] of [
    [0, (names.length - index) * 1.7 * DAY],
    [1, (names.length - index) * 0.31 * DAY],
  ] as const)
    await enter(
      { id: `u${index}`, name, username: `user-${index}`, email: `user.${index}@acme.example` },
      ago,
      pick(kinds, index + device * 3),
      pick(addresses, index + device),
    )
const ada = { id: 'ada', name: 'Ada Lovelace', username: 'ada', email: 'ada@acme.example' }
await enter(ada, 3 * DAY, agents.iphone, '203.0.113.7')
await enter(ada, 0.2 * DAY, agents.firefox, '198.51.100.23')
const cookie = await enter(ada, 60_000, agents.chrome, '203.0.113.7')

const userIds = await idsOf('/admin/users')
const [sessionPath = ''] = [
  ...(await textOf('/admin/sessions')).matchAll(/\/admin\/sessions\/ses_[\w-]+\/end/g),
]
  .map(([path]) => path)
  .slice(3)

async function textOf(path: string): Promise<string> {
  const headers = { cookie, accept: 'text/html', 'sec-fetch-mode': 'navigate' }
  return (await fetch(origin + path, { headers })).text()
}

async function idsOf(path: string): Promise<string[]> {
  return [...(await textOf(path)).matchAll(/href="(\/admin\/users\/usr_[\w-]+)"/g)].map(
    (match) => match[1] ?? '',
  )
}

await auth.users.block('github:u3')
await auth.users.block('github:583231')
const access = Reflect.get(auth, ADMIN_ACCESS) as AdminAccess
const { configuration } = access
const edge = {
  enabled: true,
  ...{
    optionsPassthrough: false,
    inactivityTimeout: 3600,
    maximumDuration: 30 * 86_400,
    authCheckInterval: 300,
  },
}
const github = { clientId: 'Iv1.8a61f9b3a7aba766', clientSecret: 'c'.repeat(40) }
const change = (by: string, provider: object, more = {}) =>
  configuration.change(
    () => ({ module: { ...edge, ...more, provider: { github: { ...github, ...provider } } } }),
    {
      changedBy: by,
    },
  )
offset = -9 * DAY
await change('deploy', { organizations: ['acme'] })
offset = -2 * DAY
await change('deploy', { teams: ['acme/engineering', 'acme/support'] }, { authCheckInterval: 60 })
offset = 0

const auditLog = new AuditLog({
  gates: [{ edge: 'main', route: 'app', access }],
  retentionMs: 90 * DAY,
})
const token = { tokenName: 'deploy' }
const admin = { admin: 'github:ada' }
const terminal = { ipAddress: '192.0.2.146', userAgent: agents.script, requestId: undefined }
const desk = { ipAddress: '203.0.113.7', userAgent: agents.chrome, requestId: 'b7c1f0' }
const changes = [
  { field: 'auth_check_interval', before: 300, after: 60 },
  { field: 'provider.github.organizations', before: ['acme'], after: [] },
  { field: 'provider.github.teams', before: [], after: ['acme/engineering', 'acme/support'] },
]
const first = { module: 'main/app', version: '1', providers: 'okta' }
const second = { module: 'main/app', version: '2' }
const session = { user: 'github:u6', sessionHandle: 'f2c61a9e'.repeat(8) }
const user = { user: 'github:u3' }
const actions: readonly [days: number, event: AdminActionEvent][] = [
  [9, { actor: token, action: 'open_gate', resource: first, origin: terminal }],
  [2, { actor: token, action: 'replace_module', resource: second, changes, origin: terminal }],
  [1, { actor: admin, action: 'end_session', resource: session, origin: desk }],
  [0.1, { actor: admin, action: 'block_user', resource: user, origin: desk }],
  [0.05, { actor: token, action: 'delete_user', resource: { user: 'github:583231' } }],
]
for (const [days, event] of actions) {
  offset = -days * DAY
  await auditLog.record(event)
}
offset = 0

const pages: Readonly<Record<string, string>> = {
  overview: '/admin/',
  users: '/admin/users',
  'users-second': `/admin/users?before=${userIds[10]?.slice('/admin/users/'.length) ?? ''}`,
  'users-found': '/admin/users?q=user.2%40acme.example',
  blocked: '/admin/users?show=blocked',
  'users-none': '/admin/users?q=nobody%40acme.example',
  user: userIds.find((_, index) => index === 2) ?? '',
  self: userIds[0] ?? '',
  block: `${userIds[3] ?? ''}/block`,
  'own-block': `${userIds[0] ?? ''}/block`,
  sessions: '/admin/sessions',
  'end-session': sessionPath,
  usage: '/admin/usage',
  configuration: '/admin/configuration',
  changes: '/admin/configuration/changes?version=2',
  audit: '/admin/audit',
  missing: '/admin/users/usr_1_YQ',
  devices: '/devices',
}

interface Shot {
  readonly file: string
  readonly path: string
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
}

function everyShot(only: readonly string[]): Shot[] {
  return Object.entries(pages)
    .filter(([name]) => only.length === 0 || only.includes(name))
    .flatMap(([name, path]) =>
      (['light', 'dark'] as const).flatMap((colorScheme) =>
        [320, 768, 1280].map((width) => ({
          file: `${name}-${colorScheme}-${width}.png`,
          path,
          colorScheme,
          width,
        })),
      ),
    )
}

function documentedShots(): Shot[] {
  const shot = (
    file: string,
    page: string,
    width = 1100,
    colorScheme: 'light' | 'dark' = 'light',
  ) => ({
    file: `${file}.png`,
    path: pages[page] ?? '',
    width,
    colorScheme,
  })
  return [
    shot('admin-overview', 'overview'),
    shot('admin-overview-dark', 'overview', 1100, 'dark'),
    shot('admin-users', 'users'),
    shot('admin-user', 'user'),
    shot('admin-audit', 'audit', 1280),
    shot('admin-phone', 'user', 320),
    shot('admin-block', 'block', 1100),
    shot('devices', 'devices', 480),
  ]
}

async function take(browser: Browser, folder: string, shots: readonly Shot[]): Promise<void> {
  const [name = '', value = ''] = cookie.split('=')
  for (const { file, path, colorScheme, width } of shots) {
    const viewport = { width, height: width < 500 ? 640 : 720 }
    const context = await browser.newContext({ viewport, colorScheme, javaScriptEnabled: false })
    await context.addCookies([{ name, value, url: origin }])
    const page = await context.newPage()
    await page.goto(origin + path)
    await page.screenshot({ path: join(folder, file), fullPage: !isForDocs || width < 500 })
    await context.close()
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
server.close()
await auth.close()
