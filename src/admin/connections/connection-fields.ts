import { isObject } from '../../http/json.js'
import { AdminError } from '../errors.js'
import { MAX_ENTRIES, MAX_LENGTHS } from '../limits.js'
import { isPrintable, object, text, type WireField, type WireValues } from '../wire.js'
import { present, textRecord } from '../wire-lists.js'

const MAX_URL_LENGTH = 2048
const MAX_PARAMS = 50
const MAX_PARAM_LENGTH = 4096
const MAX_NAME_LENGTH = 64
const MAX_SCOPE_LENGTH = 4096

const printableText = (value: string) => (isPrintable(value) ? undefined : 'ERR_NGROK_215')
const isUrl = (value: string) =>
  isPrintable(value) && URL.canParse(value) ? undefined : 'ERR_NGROK_215'

/** Scopes as Auth0 takes them: separated by spaces or commas, or in an array. */
const scope: WireField<readonly string[] | undefined> = {
  schema: {
    type: ['string', 'array', 'null'],
    items: { type: 'string' },
    maxLength: MAX_SCOPE_LENGTH,
    maxItems: MAX_ENTRIES.scopes,
    description: 'Scopes of the authorization request, separated by spaces.',
  },
  read(value, path) {
    if (value === undefined || value === null) return undefined
    const isValid =
      typeof value === 'string' ||
      (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    if (!isValid)
      throw new AdminError('ERR_NGROK_215', {
        field: path,
        message: 'The value must be a string, or an array of strings.',
      })
    const parts = [value].flat() as readonly string[]
    const scopes = new Set(
      parts
        .join(' ')
        .split(/[\s,]+/)
        .filter((part) => part !== ''),
    )
    if (scopes.size > MAX_ENTRIES.scopes) throw new AdminError('ERR_NGROK_7056', { field: path })
    if ([...scopes].some((one) => one.length > MAX_LENGTHS.scope))
      throw new AdminError('ERR_NGROK_7141', { field: path })
    return scopes.size === 0 ? undefined : [...scopes]
  },
}

/**
 * The member `options` of a connection.
 * (https://auth0.com/docs/authenticate/identity-providers/social-identity-providers/oauth2)
 */
const optionFields = {
  client_id: text('Client ID.', {
    maxLength: MAX_LENGTHS.clientId,
    tooLong: 'ERR_NGROK_7137',
    check: printableText,
  }),
  client_secret: text(
    'Client secret. Never returned. Required if client_id or the origin of an endpoint changes.',
    {
      maxLength: MAX_LENGTHS.clientSecret,
      tooLong: 'ERR_NGROK_7138',
      check: (value) => printableText(value.startsWith('-----BEGIN ') ? '' : value),
    },
  ),
  authorizationURL: text('Authorization endpoint.', { maxLength: MAX_URL_LENGTH, check: isUrl }),
  tokenURL: text('Token endpoint.', { maxLength: MAX_URL_LENGTH, check: isUrl }),
  scope,
  icon_url: text('https URL of the icon on the sign-in button.', {
    maxLength: MAX_URL_LENGTH,
    check: isUrl,
  }),
  authParams: textRecord('Parameters of every authorization request.', {
    maxItems: MAX_PARAMS,
    maxLength: MAX_PARAM_LENGTH,
  }),
  authParamsMap: textRecord('Parameters that are read from the query of /auth/authn.', {
    maxItems: MAX_PARAMS,
    maxLength: MAX_PARAM_LENGTH,
  }),
  customHeaders: textRecord(
    'Headers of requests to the token endpoint. Responses have empty values; an empty value keeps that of before, unless the origin of the token endpoint changes.',
    { maxItems: MAX_PARAMS, maxLength: MAX_PARAM_LENGTH },
  ),
  scripts: present(
    'an object of scripts. Never run: the code of the app reads the user',
    { type: ['object', 'null'], additionalProperties: { type: 'string' } },
    (value) => isObject(value) && Object.values(value).every((item) => typeof item === 'string'),
  ),
}

/** The options of a connection, as JSON contains them. */
export type ConnectionOptionsJson = WireValues<typeof optionFields>

/** The fields of a change. */
export const connectionField = object('A change of a connection.', {
  display_name: text('Name on the sign-in button.', { maxLength: MAX_NAME_LENGTH, check: isName }),
  options: object('Replaces all of these options.', optionFields),
  enabled_clients: present(
    'a non-empty array of strings. Ignored: each app has its own connections',
    { type: ['array', 'null'], items: { type: 'string' } },
    (value) =>
      Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'),
  ),
})

function isName(value: string) {
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(value) || value.trim() !== value ? 'ERR_NGROK_215' : undefined
}
