import {
  type AmazonOptions,
  amazonProvider,
  type FacebookOptions,
  facebookProvider,
  type GithubOptions,
  githubProvider,
  type GitlabOptions,
  gitlabProvider,
  type GoogleOptions,
  googleProvider,
  type GuardRules,
  type LinkedinOptions,
  linkedinProvider,
  memoryStore,
  type MemoryStoreOptions,
  type MicrosoftOptions,
  microsoftProvider,
  type OAuth2Options,
  oauth2Provider,
  oauthModule,
  type OAuthModuleOptions,
  type OidcOptions,
  oidcProvider,
  type ProviderOptions,
  type ProviderSetup,
  type TwitchOptions,
  twitchProvider,
} from '../../src/index.js'
import { optionFields } from '../../src/options/fields.js'
import type { BrandingOption } from '../../src/pages/branding.js'
import type { Field, Fields } from '../../src/schema/field.js'

export type Kind = 'boolean' | 'number' | 'text' | 'list' | 'object' | 'instance' | 'function'

/**
 * What an option takes: a value that is right, its kinds, and values of these kinds that are wrong.
 */
export interface Row {
  readonly good: unknown
  readonly takes: readonly Kind[]
  readonly bad: readonly unknown[]
  /** `undefined` is rejected: the option is required, or restricts who may pass. */
  readonly rejectsUndefined?: boolean
}

/** A row for every option there is: one that is added without a row does not compile. */
export type Rows<T> = { readonly [Name in keyof Required<T>]: Row }

export interface Table {
  readonly name: string
  readonly rows: Readonly<Record<string, Row>>
  /** Puts options in force; throws for wrong ones. */
  readonly apply: (options: Record<string, unknown>) => unknown
}

/** Part of every value: no message may hold it. */
export const canary = 'c4n4ry'

const flag: Row = { good: true, takes: ['boolean'], bad: [] }
const callback: Row = { good: () => true, takes: ['function'], bad: [] }
const seconds = (good = 60, bad: readonly number[] = []): Row => ({
  good,
  takes: ['number'],
  bad: [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e12, ...bad],
})
const text = (good: string, bad: readonly unknown[] = []): Row => ({
  good,
  takes: ['text'],
  bad: [
    '',
    '   ',
    `${good} `,
    ` ${good}`,
    `\u00a0${good}`,
    `${good}\n${canary}`,
    `${canary}\u0000`,
    canary.repeat(2000),
    ...bad,
  ],
})
const choice = (good: string): Row => ({ good, takes: ['text'], bad: ['', canary, ` ${good} `] })
const list = (good: string, bad: readonly string[] = []): Row => ({
  good: [good],
  takes: ['list'],
  bad: [
    [],
    [''],
    [' '],
    [null],
    [undefined],
    new Array(1),
    [4711],
    [[good]],
    [good, good],
    [`${good}\n`],
    [` ${good}`],
    [good, `${canary} `],
    ...bad.map((entry) => [good, entry]),
  ],
})
const folded = (row: Row, good: string): Row => ({
  ...row,
  bad: [...row.bad, [good, good.toUpperCase()]],
})
const url = (good: string, bad: readonly string[] = []): Row => ({
  good,
  takes: ['text'],
  bad: [
    '',
    canary,
    '/path',
    `ftp://${canary}.example`,
    `https://user:${canary}@a.example`,
    `${good}#${canary}`,
    `javascript:${canary}`,
    ` ${good}`,
    `${good}\t`,
    `${good.slice(0, 9)}\n${good.slice(9)}`,
    `https:${canary}.example`,
    `https:\\\\${canary}.example`,
    ...bad,
  ],
})
const address = (good: string) => url(good, [`http://${canary}.example`])
const record = (bad: readonly object[] = []): Row => ({
  good: { name: 'value' },
  takes: ['object'],
  bad: [
    { name: 4711 },
    { name: null },
    { name: { canary } },
    { name: '' },
    { '': canary },
    { name: `${canary}\r\n` },
    ...bad,
  ],
})
const group = (good: object, bad: readonly object[] = []): Row => ({
  good,
  takes: ['object'],
  bad: [{ unheardOf: canary }, ...bad],
})
const defined = (row: Row): Row => ({ ...row, rejectsUndefined: true })

/** A rule list: entries are compared in lower case if `isFolded`. */
const ruleList = (good: string, bad: readonly string[], isFolded = true): Row =>
  defined(isFolded ? folded(list(good, bad), good) : list(good, bad))

const rules = {
  emailAddresses: ruleList('ada@corp.example', [
    canary,
    `${canary}@`,
    `@${canary}.example`,
    `a@${canary}@corp.example`,
    '*',
    `*@${canary}.example`,
  ]),
  emailDomains: ruleList('corp.example', [
    `@${canary}.example`,
    '*',
    `*.${canary}.example`,
    canary,
    `a@${canary}.example`,
  ]),
  organizations: ruleList('acme', [`${canary} inc`, `${canary}/x`, '*']),
  teams: ruleList('acme/core', [canary, `${canary}/`, `a/b/${canary}`, '*']),
  groups: ruleList('staff', [], false),
}

const domainSet = { emailDomains: ['corp.example'] }
const allOf: Row = defined({
  good: [domainSet, { emailAddresses: ['ada@other.example'] }],
  takes: ['list'],
  bad: [
    [],
    [{}],
    [canary],
    [null],
    new Array(1),
    [domainSet, { unheardOf: canary }],
    [{ emailDomains: undefined }],
    [{ emailDomains: [] }],
    [{ emailDomains: [canary] }],
    [{ allOf: [domainSet] }],
    [domainSet, domainSet],
  ],
})

const scopes = list('read:things', [`two ${canary}`, `comma,${canary}`, `"${canary}"`])
const secret = 'a secret for the option tests, long enough'
const key = { clientId: 'client', clientSecret: 'client secret' }
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

const callbackPath = text('/login/callback', [
  '/',
  '//',
  'login/callback',
  `https://${canary}.example/callback`,
  `//${canary}/callback`,
  `/${canary}/../callback`,
  `/./${canary}`,
  `/${canary}//callback`,
  `/${canary}?next=1`,
  `/${canary}#top`,
  `/${canary}/%63allback`,
  `/${canary};x`,
  `/${canary} x`,
  `/${canary}\\x`,
  `/${canary}/:name`,
  `/${canary}/*`,
])

const common: Rows<ProviderOptions> = {
  clientId: defined(text('client')),
  clientSecret: defined(text('client secret')),
  scopes: defined(scopes),
  defaultScopes: { ...scopes, good: ['openid', 'read:things'] },
  optionalScopes: scopes,
  emailAddresses: rules.emailAddresses,
  emailDomains: rules.emailDomains,
  allOf,
  displayName: text('Acme'),
  iconUrl: url('https://cdn.example/icon.svg', [
    `http://${canary}.example/icon.svg`,
    `data:image/svg+xml,${canary}`,
  ]),
  trustEmail: flag,
  connectionScopes: scopes,
  authorizationParams: record([
    { state: canary },
    { redirect_uri: canary },
    { scope: canary },
    { client_secret: canary },
    { code_verifier: canary },
  ]),
  authorizationParamsMap: record([
    { state: 'name' },
    { name: 'connection' },
    { name: `${canary} x` },
    { name: '' },
    { client_secret: 'name' },
  ]),
  tokenHeaders: record([
    { host: canary },
    { 'content-length': '1' },
    { name: `${canary}\r\nx: y` },
    { [`${canary} `]: 'x' },
    { 'X-A': '1', 'x-a': '2' },
    { Expect: '100-continue' },
    { 'Keep-Alive': canary },
    { upgrade: canary },
  ]),
  clientAuth: choice('post'),
  signingAlgorithms: list('RS512', [canary, 'none', 'HS384', 'HS512', 'RS1', 'rs256', 'ES256K']),
  offlineAccess: { good: 'consent', takes: ['boolean', 'text'], bad: ['', canary, ' consent '] },
  insecureHttp: flag,
  logoutHint: flag,
  callbackPath,
  responseMode: choice('query'),
  endpoints: group({ token: 'https://id.example/token' }, [
    { token: canary },
    { token: `http://${canary}.example` },
    { token: 4711 },
    { token: '' },
  ]),
}

/** The row of an option whose field determines all mistakes. */
function generatedRow({ schema }: Field): Row | undefined {
  if (schema.type === 'boolean') return flag
  if (schema.type === 'function') return callback
  if (schema.type === 'seconds')
    return seconds(Math.max(schema.min, 60), [schema.min - 1, schema.max + 1])
  if (schema.type === 'integer')
    return {
      good: schema.min,
      takes: ['number'],
      bad: [schema.min - 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY],
    }
  if (schema.type === 'enum') {
    const takes = schema.values.map((value): Kind => (value === String(value) ? 'text' : 'boolean'))
    return { good: schema.values[0], takes, bad: ['', canary, ` ${String(schema.values[0])} `] }
  }
  return undefined
}

/**
 * Rows of all options of a table: a new option gets its row from its field, or needs one in
 * `special`.
 */
export function rowsOf(fields: Fields, special: Table['rows']): Table['rows'] {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const row = special[name] ?? generatedRow(field)
      if (row === undefined) throw new Error(`${name} needs a row`)
      return [name, row]
    }),
  )
}

const special: Partial<Rows<OAuthModuleOptions>> = {
  provider: {
    good: { github: key },
    rejectsUndefined: true,
    takes: ['text', 'object'],
    bad: [
      '',
      canary,
      {},
      { github: undefined },
      { github: key, gitlab: undefined },
      { github: canary },
      { github: null },
      { github: [] },
      { GitHub: key },
      { '-acme': { clientId: canary, clientSecret: canary } },
      { 'a b': key },
      { unheardOf: key },
    ],
  },
  cookiePrefix: text('acme.', [`${canary};`, `${canary} x`, `${canary}=`, '__Host-', '__secure-x']),
  authCheckGrace: seconds(0),
  authorize: defined(callback),
  secret: {
    good: secret,
    takes: ['text', 'list'],
    bad: ['', canary, ' '.repeat(40), [], [''], [null], [secret, secret], [secret, canary]],
  },
  baseUrl: url('https://app.example', [
    `https://app.example/?${canary}`,
    `https://app.example/a;${canary}`,
    `https://app.example/a//${canary}`,
  ]),
  basePath: text('/login', [
    'login',
    '/',
    '/login/',
    `/${canary} x`,
    `/../${canary}`,
    `/${canary}?`,
    '//',
  ]),
  callbackPath,
  headerPrefix: {
    good: 'x-acme-',
    takes: ['text', 'boolean'],
    bad: ['', true, canary, 'x-', 'X-Acme-', `x-${canary}`, `x-${canary}-\n`, 'oauth2-Proxy'],
  },
  store: {
    good: memoryStore(),
    takes: ['object', 'instance'],
    bad: [
      {},
      { get() {}, set() {}, update() {} },
      { get: canary, set: canary, update: canary, delete: canary },
    ],
  },
  rulesVersion: text('2'),
  reportOnly: group({ emailDomains: ['corp.example'] }, [
    {},
    { emailDomains: [] },
    { emailDomains: canary },
    { authorize: canary },
  ]),
  bearer: group({ issuers: [{ issuer: 'https://id.example', audience: 'api' }] }, [
    {},
    { issuers: canary },
    { issuers: [{ issuer: canary, audience: canary }] },
    { issuers: [{ issuer: 'https://id.example' }] },
  ]),
  signals: group(
    {
      transmitters: { idp: { issuer: 'https://idp.example', audience: 'app' } },
      webhooks: { github: { type: 'github', secret } },
    },
    [
      {},
      { transmitters: {} },
      { transmitters: { idp: undefined } },
      { transmitters: { idp: {} } },
      { transmitters: { idp: { issuer: `http://${canary}.example` } } },
      { transmitters: { 'a b': { issuer: 'https://idp.example' } } },
      { transmitters: { idp: { issuer: 'https://idp.example', audience: [] } } },
      { transmitters: { idp: { issuer: 'https://idp.example', provider: canary } } },
      { transmitters: { idp: { issuer: 'https://idp.example', authorization: canary } } },
      { transmitters: { idp: { issuer: 'https://idp.example', delivery: 'poll' } } },
      { transmitters: { idp: { issuer: 'https://idp.example', pollUrl: 'https://a.example' } } },
      { transmitters: { idp: { issuer: 'https://idp.example', actions: { [canary]: 'end' } } } },
      {
        transmitters: {
          idp: { issuer: 'https://idp.example', actions: { 'session-revoked': canary } },
        },
      },
      {
        transmitters: {
          one: { issuer: 'https://idp.example' },
          two: { issuer: 'https://idp.example/' },
        },
      },
      { webhooks: { x: canary } },
      { webhooks: { x: { type: canary, secret } } },
      { webhooks: { github: { type: 'github' } } },
      { webhooks: { github: { type: 'github', secret: undefined } } },
      { webhooks: { github: { type: 'github', secret: canary } } },
      { webhooks: { github: { type: 'github', secret: [] } } },
      { webhooks: { gitlab: { type: 'gitlab', secret } } },
    ],
  ),
  logout: group({ returnTo: '/bye' }),
  cookie: group({ path: '/' }),
  browserSession: group({ ipAddress: false }),
  branding: group({ appName: 'Acme' }),
  texts: {
    good: { signIn: 'Log in' },
    takes: ['object', 'function'],
    bad: [{ unheardOf: canary }, { signIn: '' }, { lang: canary.repeat(9) }, { errors: canary }],
  },
  pages: group({ error: () => '' }, [{ error: canary }, { signIn: {} }]),
  id: text('main', [`${canary} x`, `"${canary}"`, `\\${canary}`, `é${canary}`]),
  timeouts: group({ provider: 5 }),
  logger: {
    good: quiet,
    takes: ['object', 'instance'],
    bad: [{}, { ...quiet, warn: canary }, { debug() {} }],
  },
}

const top = rowsOf(optionFields, special)

type Logout = NonNullable<OAuthModuleOptions['logout']>
type Cookie = NonNullable<OAuthModuleOptions['cookie']>
type Timeouts = NonNullable<OAuthModuleOptions['timeouts']>
type Trial = NonNullable<OAuthModuleOptions['reportOnly']>
type Pages = NonNullable<OAuthModuleOptions['pages']>

const logout: Rows<Logout> = {
  revokeTokens: flag,
  endProviderSession: flag,
  clearSiteData: flag,
  returnTo: text('/bye', [
    canary,
    `//${canary}.example`,
    `/\\${canary}.example`,
    `https://${canary}.example/`,
    `/ ${canary}`,
  ]),
}
const cookie: Rows<Cookie> = {
  domain: text('corp.example', [
    `${canary};`,
    `${canary} x`,
    `https://${canary}.example`,
    `${canary}..example`,
    `-${canary}`,
  ]),
  sameSite: choice('Lax'),
  secure: flag,
  path: text('/app', [
    'app',
    `/${canary};`,
    `/${canary} x`,
    `//${canary}`,
    `/${canary}?x`,
    `/${canary}#x`,
    `/../${canary}`,
    `/${canary}/./x`,
  ]),
  forward: flag,
}
type BrowserSession = NonNullable<OAuthModuleOptions['browserSession']>
const browserSession: Rows<BrowserSession> = {
  ipAddress: flag,
  userAgent: flag,
  maxAge: seconds(86_400),
}
const timeouts: Rows<Timeouts> = { provider: seconds(5, [0, 301]), store: seconds(1, [0, 61]) }
const pages: Rows<Pages> = {
  signIn: callback,
  error: callback,
  denied: callback,
  signedOut: callback,
}
const logo = text('/logo.svg', [
  canary,
  `http://${canary}.example/logo.svg`,
  `//${canary}.example/logo.svg`,
  `/\\${canary}.example/logo.svg`,
  `https://user:${canary}@a.example/logo.svg`,
  `https:${canary}.example`,
  `javascript:${canary}`,
  `data:text/html,${canary}`,
  `data:image/svg+xml,<svg ${canary}>`,
  `data:image/png;base64,${canary.repeat(20_000)}`,
])
const branding: Rows<BrandingOption> = {
  appName: text('Acme', ['A'.repeat(65)]),
  logoUrl: logo,
  darkLogoUrl: logo,
  accentColor: text('#0a7cff', [
    canary,
    '#12',
    '#12345',
    '0a7cff',
    'red',
    `#0a7cff;${canary}`,
    `rgb(1 2 3)`,
  ]),
  supportUrl: text('mailto:help@acme.example', [
    canary,
    '/help',
    `http://${canary}.example`,
    `javascript:${canary}`,
    `mailto:${canary}`,
    `mailto:a b@${canary}.example`,
    `https://user:${canary}@a.example`,
    `tel:${canary}`,
  ]),
}
/** All texts have the same field, so a few of them are enough. */
const texts: Table['rows'] = {
  signIn: text('Log in', ['{other}']),
  signInWith: text('Log in with {provider}', [canary, '{provider} {other}']),
  lang: text('pt-BR', ['d', `de ${canary}`, `de_DE`, '*']),
  dir: choice('rtl'),
  errors: group({ not_authorized: { title: 'No', message: 'No access.' } }, [
    { not_authorized: canary },
    { not_authorized: { title: '' } },
    { not_authorized: { unheardOf: canary } },
  ]),
}
const trial: Rows<Trial> = { ...rules, allOf, authorize: defined(callback) }
const guard: Rows<GuardRules> = {
  ...rules,
  allOf,
  authorize: defined(callback),
  scopes: defined(scopes),
  maxAge: defined(seconds()),
  acceptSilentLogin: flag,
  deviceBound: defined(choice('required')),
}
const memory: Rows<MemoryStoreOptions> = {
  maxEntries: {
    good: 5,
    takes: ['number'],
    bad: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY],
  },
  maxBytes: { good: 5000, takes: ['number'], bad: [0, -1, 1.5, Number.NaN] },
  maxPerUser: { good: 5, takes: ['number'], bad: [0, -1, 1.5, Number.NaN] },
}

type Extra<T> = Rows<Omit<T, keyof ProviderOptions>>
const github: Extra<GithubOptions> = {
  organizations: rules.organizations,
  teams: rules.teams,
  baseUrl: address('https://github.corp.example'),
}
const gitlab: Extra<GitlabOptions> = {
  groups: rules.groups,
  baseUrl: address('https://gitlab.corp.example'),
}
const google: Extra<GoogleOptions> = {
  hostedDomain: defined(text('corp.example', [`@${canary}.example`, `*.${canary}`, canary])),
}
const microsoft: Extra<MicrosoftOptions> = {
  tenant: defined(text('contoso.example', [canary, `${canary}/x`, `a ${canary}`, '../x'])),
  verifiedEmailClaim: defined(text('xms_edov', [`${canary} x`, `${canary}-x`])),
  emailClaim: text('upn', [`${canary} x`, `${canary}-x`]),
  groups: ruleList('2d5f3b0a-6f0e-4b0a-9a57-0d1b0a3e7c11', [canary, 'staff']),
}
const oidc: Extra<OidcOptions> = {
  issuer: defined(address('https://id.example')),
  groups: rules.groups,
  groupsClaim: text('roles'),
  claims: { ...record([{ username: '' }, { unheardOf: canary }]), good: { username: 'upn' } },
}
const oauth2: Rows<Omit<OAuth2Options, Exclude<keyof ProviderOptions, 'scopes'>>> = {
  authorizationUrl: {
    ...defined(address('https://id.example/authorize')),
    bad: [...address('https://id.example').bad, `https://id.example/?state=${canary}`],
  },
  tokenUrl: defined(address('https://id.example/token')),
  userinfoUrl: defined(address('https://id.example/userinfo')),
  fetchUserProfile: callback,
  scopes: { ...defined(scopes), takes: ['list', 'text'], bad: [...scopes.bad, '', ' '] },
  scopeSeparator: choice(','),
  connectionScopeSeparator: choice(','),
  pkce: flag,
  issuer: address('https://id.example'),
}

const base = { provider: { github: key }, secret, logger: quiet, store: memoryStore() }
const inModule = (options: Record<string, unknown>) => oauthModule({ ...base, ...options })
const guarded = {
  provider: { github: key, acme: oidcProvider({ ...key, issuer: 'https://id.example' }) },
}
/** One for all guards: hundreds of gates in one turn would exhaust the memory. */
const guardedGate = inModule({ ...guarded, deviceBound: true })
const nested = (name: string, rows: Table['rows']): Table => ({
  name,
  rows,
  apply: (options) => inModule({ [name]: options }),
})

function provided(
  name: string,
  rows: Table['rows'],
  make: (options: never) => ProviderSetup,
  needs: object = {},
): Table {
  const apply = (options: Record<string, unknown>) =>
    inModule({ provider: { acme: make({ ...key, ...needs, ...options } as never) } })
  return { name: `${name}Provider()`, rows, apply }
}

/** Email rules of these providers need `trustEmail`. */
const trusting = { trustEmail: true }
const own = <T>(rows: Extra<T>): Table['rows'] => ({ ...common, ...rows })

export const tables: readonly Table[] = [
  { name: 'oauthModule()', rows: top, apply: inModule },
  nested('logout', logout),
  nested('cookie', cookie),
  nested('timeouts', timeouts),
  nested('browserSession', browserSession),
  nested('branding', branding),
  nested('texts', texts),
  nested('pages', pages),
  {
    name: 'reportOnly',
    rows: trial,
    apply: (options) =>
      inModule({
        ...guarded,
        reportOnly: {
          ...('authorize' in options
            ? { emailDomains: ['corp.example'] }
            : { authorize: () => true }),
          ...options,
        },
      }),
  },
  { name: 'memoryStore()', rows: memory, apply: (options) => memoryStore(options) },
  {
    name: 'requireAuth()',
    rows: guard,
    apply: (options) =>
      guardedGate.requireAuth({
        ...(options['maxAge'] !== undefined && { acceptSilentLogin: true }),
        ...options,
      }),
  },
  provided('github', own<GithubOptions>(github), githubProvider),
  provided('gitlab', own<GitlabOptions>(gitlab), gitlabProvider),
  provided('google', own<GoogleOptions>(google), googleProvider),
  provided('microsoft', own<MicrosoftOptions>(microsoft), microsoftProvider, trusting),
  provided('facebook', own<FacebookOptions>({}), facebookProvider, trusting),
  provided('linkedin', own<LinkedinOptions>({}), linkedinProvider),
  provided('twitch', own<TwitchOptions>({}), twitchProvider),
  provided('amazon', own<AmazonOptions>({}), amazonProvider, trusting),
  provided('oidc', own<OidcOptions>(oidc), oidcProvider, { issuer: 'https://id.example' }),
  provided('oauth2', { ...common, ...oauth2 }, oauth2Provider, {
    authorizationUrl: 'https://id.example/authorize',
    tokenUrl: 'https://id.example/token',
    userinfoUrl: 'https://id.example/userinfo',
  }),
]

/** Options that are right one by one and cannot be meant together, and the one to blame. */
export const contradictions: readonly (readonly [
  to: string,
  options: Record<string, unknown>,
  of?: string,
])[] = [
  ['authCheckGrace', { authCheckGrace: 60 }],
  ['inactivityTimeout', { inactivityTimeout: 61, maximumDuration: 60 }],
  ['sameSite', { cookie: { sameSite: 'None', secure: false } }],
  ['sameSite', { cookie: { sameSite: 'None' }, baseUrl: 'http://app.example' }],
  ['secure', { cookie: { secure: true }, baseUrl: 'http://app.example' }],
  ['domain', { baseUrl: 'https://app.example', cookie: { domain: 'other.example' } }],
  ['domain', { baseUrl: 'https://app.example', cookie: { domain: 'pp.example' } }],
  ['path', { baseUrl: 'https://app.example/app', cookie: { path: '/elsewhere' } }],
  ['path', { baseUrl: 'https://app.example/app', cookie: { path: '/ap' } }],
  ['path', { baseUrl: 'https://app.example', cookie: { path: '/app' } }],
  ['baseUrl', { baseUrl: 'https://app.example/auth/callback' }],
  ['returnTo', { logout: { returnTo: '/auth/logout' } }],
  ['returnTo', { logout: { returnTo: '/AUTH/%6cogout?x=1' } }],
  ['returnTo', { baseUrl: 'https://app.example/app', logout: { returnTo: '/app/auth/logout' } }],
  ['reportOnly', { reportOnly: { authorize: undefined } }],
  ['groups', { reportOnly: { groups: ['staff'] } }],
  ['emailDomains', { reportOnly: { emailDomains: ['corp.example'] }, provider: { facebook: key } }],
  ['forwardTokens', { headerPrefix: false, forwardTokens: true }],
  ['forwardTokens', { headerPrefix: false, forwardTokens: 'access' }],
  ['clientSecret', { clientAuth: 'none', clientSecret: canary }, 'oidcProvider()'],
  ['clientSecret', { clientAuth: 'private_key_jwt', clientSecret: canary }, 'oidcProvider()'],
  ['clientAuth', { clientAuth: 'basic' }, 'githubProvider()'],
  [
    'signingAlgorithms',
    { signingAlgorithms: ['HS256'], clientAuth: 'none', clientSecret: undefined },
    'oidcProvider()',
  ],
  [
    'emailAddresses',
    { trustEmail: false, emailAddresses: ['ada@corp.example'] },
    'facebookProvider()',
  ],
  ['emailDomains', { trustEmail: false, emailDomains: ['corp.example'] }, 'amazonProvider()'],
  ['emailDomains', { trustEmail: false, emailDomains: ['corp.example'] }, 'microsoftProvider()'],
  ['maxAge', { maxAge: 60, acceptSilentLogin: false }, 'requireAuth()'],
  [
    'authorizationParamsMap',
    { authorizationParams: { hd: 'x' }, authorizationParamsMap: { hd: 'return_token' } },
    'googleProvider()',
  ],
]
