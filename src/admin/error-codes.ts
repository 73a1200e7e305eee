import {
  BODY_TIMEOUT_SECONDS,
  MAX_BODY_BYTES,
  MAX_ENTRIES,
  MAX_LENGTHS,
  MAX_SECONDS,
} from './limits.js'

const year = `must be at most ${MAX_SECONDS} seconds: one year.`
const atMost = (what: string, max: number) => `${what} must be at most ${max}.`
const length = (what: string, max: number) => `${what} must have at most ${max} characters.`

/**
 * The errors of the API: status and message. Those that ngrok has as well have its codes; its own
 * page of each is https://ngrok.com/docs/errors/err_ngrok_201 and so on.
 */
export const ADMIN_ERRORS = {
  ERR_NGROK_201: [401, 'Send a token of this API as "Authorization: Bearer <token>".'],
  ERR_NGROK_203: [401, 'The token is not a token of this API.'],
  read_only_token: [403, 'This token may only read.'],
  too_many_requests: [429, 'Too many requests with wrong tokens. Try again later.'],
  not_found: [404, 'There is no resource with this ID.'],
  method_not_allowed: [405, 'This resource does not have this method.'],
  invalid_limit: [400, 'limit must be an integer from 1 to 100.'],
  invalid_before_id: [400, 'before_id must be the ID of an item of this list.'],
  invalid_month: [400, 'month must have the form YYYY-MM.'],
  ERR_NGROK_210: [415, 'The body must be JSON in UTF-8, without a content encoding.'],
  ERR_NGROK_216: [415, 'The request has no Content-Type: it must be application/json.'],
  payload_too_large: [413, `The body must have at most ${MAX_BODY_BYTES / 1024} kB.`],
  body_timeout: [408, `The body did not arrive within ${BODY_TIMEOUT_SECONDS} seconds.`],
  ERR_NGROK_212: [400, 'The body could not be read completely.'],
  ERR_NGROK_213: [400, 'The body is not valid JSON.'],
  ERR_NGROK_214: [400, 'This resource does not have this field.'],
  ERR_NGROK_215: [400, 'The value of the field is not valid.'],
  missing_field: [400, 'The field is missing.'],
  ERR_NGROK_7028: [400, 'The configuration is not valid.'],
  ERR_NGROK_7033: [
    400,
    'client_id and client_secret belong together: send both, or neither for the managed application. client_secret may be left out only if client_id does not change.',
  ],
  ERR_NGROK_7034: [
    400,
    'scopes need an application of your own: send client_id and client_secret.',
  ],
  ERR_NGROK_5535: [
    400,
    'This app has no managed application for the provider: send client_id and client_secret.',
  ],
  ERR_NGROK_7035: [400, 'auth_check_interval must be at least 0.'],
  ERR_NGROK_7158: [400, `auth_check_interval ${year}`],
  ERR_NGROK_7161: [400, `maximum_duration ${year}`],
  ERR_NGROK_7092: [400, `inactivity_timeout ${year}`],
  ERR_NGROK_7037: [400, 'The module must have at least one provider.'],
  ERR_NGROK_7165: [400, 'This is not a built-in provider.'],
  ERR_NGROK_7039: [400, 'An email domain is not valid: write it as in example.com.'],
  ERR_NGROK_7044: [400, 'An email domain has invalid punycode.'],
  ERR_NGROK_7043: [400, 'An email address is not valid.'],
  ERR_NGROK_7045: [400, 'An email address has invalid punycode.'],
  ERR_NGROK_7040: [400, 'A team must be written as in acme/team-slug, or as its numeric ID.'],
  ERR_NGROK_7046: [400, 'An email address is listed twice.'],
  ERR_NGROK_7047: [400, 'An email domain is listed twice.'],
  ERR_NGROK_7048: [400, 'A team is listed twice.'],
  ERR_NGROK_7049: [400, 'An organization is listed twice.'],
  ERR_NGROK_7051: [400, 'An email address is empty.'],
  ERR_NGROK_7052: [400, 'An email domain is empty.'],
  ERR_NGROK_7053: [400, 'A team is empty.'],
  ERR_NGROK_7054: [400, 'An organization is empty.'],
  ERR_NGROK_7056: [400, atMost('The number of scopes', MAX_ENTRIES.scopes)],
  ERR_NGROK_7057: [400, atMost('The number of teams', MAX_ENTRIES.memberships)],
  ERR_NGROK_7058: [400, atMost('The number of organizations', MAX_ENTRIES.memberships)],
  ERR_NGROK_7060: [400, atMost('The number of email addresses', MAX_ENTRIES.rules)],
  ERR_NGROK_7061: [400, atMost('The number of email domains', MAX_ENTRIES.rules)],
  ERR_NGROK_7137: [400, length('client_id', MAX_LENGTHS.clientId)],
  ERR_NGROK_7138: [400, length('client_secret', MAX_LENGTHS.clientSecret)],
  ERR_NGROK_7139: [400, length('An email address', MAX_LENGTHS.emailAddress)],
  ERR_NGROK_7140: [400, length('An email domain', MAX_LENGTHS.emailDomain)],
  ERR_NGROK_7141: [400, length('A scope', MAX_LENGTHS.scope)],
  ERR_NGROK_7144: [400, length('A team', MAX_LENGTHS.team)],
  ERR_NGROK_7145: [400, length('An organization', MAX_LENGTHS.organization)],
  ERR_NGROK_7136: [400, length('cookie_prefix', MAX_LENGTHS.cookiePrefix)],
  ERR_NGROK_7042: [400, 'cookie_prefix must contain only letters, digits and periods.'],
  cookie_prefix_fixed: [
    400,
    'cookie_prefix cannot change while the app runs: every session is in a cookie of that name. Leave it out, or change the option cookiePrefix in the code.',
  ],
  email_unverified: [
    400,
    'This provider does not state that an email address is verified, so a list of them protects nothing: set trustEmail for it in the code if you accept unverified addresses.',
  ],
  provider_in_code: [
    400,
    'This provider is created by a function in the code of the app: change it there.',
  ],
  belongs_in_code: [400, 'This belongs in the code of the app.'],
  client_secret_required: [
    400,
    'client_secret is required: client_id or the origin of an endpoint changes, and the secret of before is never sent elsewhere.',
  ],
  disable_not_allowed: [
    403,
    'This would let everyone pass: adminRouter() needs the option allowDisable: true for that.',
  ],
  invalid_if_match: [400, 'If-Match must be * or one or several ETags of this resource.'],
  stale_version: [
    409,
    'The configuration has changed since: read it again, and repeat the change on what it is now.',
  ],
  stale_config_version: [
    409,
    'A newer release of the app is running: repeat the change at one of its processes.',
  ],
  conflict: [409, 'Other changes came in between each time. Try again.'],
  config_unreadable: [
    500,
    'The stored configuration was written with another secret, or is damaged. The log of the app has the key of its record.',
  ],
  config_not_followed: [
    501,
    'This app does not follow a stored configuration: set its option configVersion.',
  ],
  store_not_listable: [501, 'The session store of this app cannot list its records.'],
  store_unavailable: [503, 'The session store of this app cannot be reached. Try again later.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

/** The code of an error of the API. */
export type AdminErrorCode = keyof typeof ADMIN_ERRORS
