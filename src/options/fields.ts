import type { Authorize } from '../access/authorize.js'
import { isHostName } from '../access/email.js'
import { allOfField, ruleFields } from '../access/rules.js'
import { bearerField } from '../bearer/fields.js'
import { isSafeMountPath, isSafePath, withoutFinalSlashes } from '../http/paths.js'
import type { OnLogin } from '../flows/on-login.js'
import { textsField } from '../pages/text-fields.js'
import { callbackPathField } from '../providers/callback-path.js'
import type { Field } from '../schema/field.js'
import {
  boolean,
  custom,
  func,
  integer,
  object,
  oneOf,
  seconds,
  string,
  url,
} from '../schema/types.js'
import { signalsField } from '../signals/fields.js'
import { headerPresets, isHeaderPreset } from './header-presets.js'
import { loggerField } from './logger.js'
import type { OAuthModuleOptions, OnError } from './options.js'
import { brandingField, pagesField } from './page-fields.js'
import { secretField } from './secret.js'
import { storeField } from './store.js'

type Nested<Name extends keyof OAuthModuleOptions> = Record<
  keyof Exclude<OAuthModuleOptions[Name], undefined>,
  Field
>

const cookieFields = {
  domain: string({
    check: (domain) =>
      isHostName(domain.replace(/^\./, '')) ? undefined : "must be a domain, as in 'example.com'",
    max: 253,
  }).describe('Domain of the cookie, instead of the host alone.'),
  sameSite: oneOf(['Lax', 'None']).describe(
    "Whether other sites may send it: 'None' requires https.",
  ),
  secure: boolean().describe('Send the cookie only over https. Default: by the scheme.'),
  path: string({
    pattern: /^\/[\x21-\x3a\x3c-\x7e]*$/,
    fix: 'must be a path that starts with a slash',
    max: 512,
    check: (path) =>
      isSafeMountPath(path.replace(/\/$/, '')) &&
      new URL(path, 'http://origin.invalid').pathname === path
        ? undefined
        : 'must be the path of a request: no query, no doubled slashes, no dot segments',
  }).describe('Path of the cookie, instead of the mount path.'),
  forward: boolean().describe('Leave the cookies of the gate in the request.'),
} satisfies Nested<'cookie'>

const logoutFields = {
  revokeTokens: boolean().default(false).describe('Revoke the tokens at the provider.'),
  endProviderSession: boolean().default(false).describe('End the session at the provider.'),
  returnTo: string({
    check: (path) =>
      isSafePath(path) ? undefined : 'must be a path of this site, such as /signed-out',
  }).describe('Path to redirect to.'),
  clearSiteData: boolean()
    .default(false)
    .describe('Have the browser delete what it keeps for this site.'),
} satisfies Nested<'logout'>

const timeoutFields = {
  provider: seconds({ min: 0.05, max: 300 })
    .default(10)
    .describe('For an exchange with the provider.'),
  store: seconds({ min: 0.01, max: 60 }).default(2).describe('For one store operation.'),
} satisfies Nested<'timeouts'>

const browserSessionFields = {
  ipAddress: boolean().default(true).describe('Keep the address of the login.'),
  userAgent: boolean().default(true).describe('Keep the user agent of the login.'),
  maxAge: seconds().default(0).describe('Removes both this long after the login.'),
} satisfies Nested<'browserSession'>

const reportOnlyFields = {
  ...ruleFields,
  allOf: allOfField(ruleFields),
  authorize: func<Authorize>().rejectUndefined().describe('A custom rule.'),
} satisfies Nested<'reportOnly'>

const prefixField = string({
  max: 64,
  check: (prefix) =>
    isHeaderPreset(prefix) || /^[a-z0-9]+(?:-[a-z0-9]+)+-$/.test(prefix)
      ? undefined
      : `must be lowercase, have at least two segments and end with a dash, as in 'x-acme-', or be one of ${headerPresets.join(', ')}, or false`,
})

/**
 * The options of `oauthModule()`. Options that cannot change later have no default here: see
 * `fixed-options.ts`.
 */
export const optionFields = {
  provider: custom((value) => value).describe('The identity providers.'),
  enabled: boolean().default(true).describe('Enforce authentication.'),
  optionsPassthrough: boolean().default(false).describe('Let OPTIONS requests pass.'),
  cookiePrefix: string({
    pattern: /^[A-Za-z0-9._-]+$/,
    fix: 'must contain only letters, digits, dots, dashes and underscores',
    max: 64,
    check: (prefix) =>
      /^__(?:host|secure)-/i.test(prefix)
        ? 'must not start with __Host- or __Secure-: these are added automatically over https'
        : undefined,
  }).describe('Prefix of the cookie names.'),
  inactivityTimeout: seconds().default(0).describe('Ends sessions without requests.'),
  maximumDuration: seconds().default(0).describe('Ends sessions this long after the login.'),
  authCheckInterval: seconds().default(0).describe('Re-checks users at this interval.'),
  authCheckGrace: seconds().default(0).describe('Tolerates outages of the provider.'),
  authCheckEarly: boolean().default(true).describe('Re-check in the background.'),
  secret: secretField.describe('Encrypts login state and stored tokens.'),
  baseUrl: url(checkBaseUrl).describe('Public URL of the mount point.'),
  basePath: string({
    pattern: /^(?:\/[a-zA-Z0-9_-]+)+$/,
    fix: "must be a path such as '/auth': letters, digits, dashes and slashes, no slash at the end",
    max: 128,
  }).describe('Prefix of the special paths.'),
  callbackPath: callbackPathField.describe('Path of the redirect URI.'),
  headerPrefix: custom(
    (value, mistakes) => (value === false ? value : prefixField.parse(value, mistakes)),
    { type: 'anyOf', of: [prefixField.schema, { type: 'enum', values: [false] }] },
  )
    .default('ngrok-auth-')
    .describe('Names of the upstream headers.'),
  forwardTokens: oneOf(['hidden', true, 'access', false]).describe(
    'Tokens among the upstream headers.',
  ),
  userProperty: boolean().default(true).describe('Set req.user.'),
  store: storeField.describe('Where sessions are stored.'),
  authorize: func<Authorize>()
    .rejectUndefined()
    .describe('A custom rule in addition to the lists.'),
  onLogin: func<OnLogin>().describe('Finds or creates the account of a user who signs in.'),
  rulesVersion: string({ max: 256 }).describe('Version of authorize.'),
  reportOnly: object(reportOnlyFields).describe('Rules that are evaluated but not enforced.'),
  sessionsPerUser: integer().describe('Maximum number of sessions per user.'),
  unauthenticated: oneOf(['auto', 'redirect', 'reject', 'pass'])
    .default('auto')
    .describe('What happens to requests without a session.'),
  bearer: bearerField.describe('Accepts access tokens of machines and agents.'),
  signals: signalsField.describe('Signals of other systems about users.'),
  logout: object(logoutFields).default({}).describe('What logging out does beyond this session.'),
  cookie: object(cookieFields).describe('Attributes of the session cookie.'),
  browserSession: object(browserSessionFields)
    .default({})
    .describe('What sessions keep of the browser.'),
  branding: brandingField.describe('Name, logo and color on the built-in pages.'),
  texts: textsField.describe('Wording and languages of the built-in pages.'),
  pages: pagesField.describe('Custom pages.'),
  clientScript: boolean().default(true).describe('Serve /auth/client.js.'),
  id: string({
    pattern: /^[\x21\x23-\x5b\x5d-\x7e]+$/,
    fix: 'must contain only visible ASCII characters, no quotes or backslashes',
    max: 128,
  }).describe('Instances with the same id, store and secret share logins.'),
  configVersion: integer({ max: 1_000_000_000 }).describe(
    'Follow the configuration that the admin API keeps in the store: the number of this release.',
  ),
  timeouts: object(timeoutFields).default({}).describe('Limits for the provider and the store.'),
  clockTolerance: seconds({ max: 600 }).default(30).describe('Tolerated clock difference.'),
  deviceBound: boolean().default(false).describe('Bind sessions to the device of the browser.'),
  onMove: oneOf(['tell', 'login', 'end'])
    .default('tell')
    .describe('What happens to a session that another browser or network uses.'),
  onError: func<OnError>().describe('Handles error responses.'),
  logger: loggerField.describe('Receives log messages.'),
} satisfies Record<keyof OAuthModuleOptions, Field>

function checkBaseUrl(value: string): string | undefined {
  const { search, pathname } = new URL(value)
  if (search !== '') return 'must not contain a query'
  return isSafeMountPath(withoutFinalSlashes(pathname))
    ? undefined
    : 'has a path that cookies cannot have: no semicolons, no doubled slashes'
}
