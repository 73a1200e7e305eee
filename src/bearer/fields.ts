import { allOfField, ruleFields } from '../access/rules.js'
import { checkTransport } from '../providers/common-fields.js'
import type { Field, FieldSchema, Mistakes, Values } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { boolean, custom, object, oneOf, string, strings, url } from '../schema/types.js'
import type { BearerIssuer, BearerOptions, IntrospectionOptions } from './options.js'

/** The lists of an entry. A token shows no organizations and teams. */
const listFields = {
  emailAddresses: ruleFields.emailAddresses,
  emailDomains: ruleFields.emailDomains,
  groups: ruleFields.groups,
}

const introspectionFields = {
  endpoint: url().describe('The introspection endpoint.'),
  clientId: string().rejectUndefined().describe('The client ID that this app introspects with.'),
  clientSecret: custom((value, mistakes) => string({ max: 8192 }).parse(value, mistakes), {
    type: 'secret',
  })
    .rejectUndefined()
    .describe('The secret of that client.'),
  clientAuth: oneOf(['post', 'basic']).describe('Client authentication.'),
} satisfies Record<keyof IntrospectionOptions, Field>

const manyAudiences = strings()

/** A single audience is an array of one. */
const audienceField = custom(
  (value, mistakes) =>
    manyAudiences.parse(typeof value === 'string' && value !== '' ? [value] : value, mistakes),
  { type: 'anyOf', of: [{ type: 'string', max: 2048, pattern: undefined }, { type: 'strings' }] },
)

const MISSING_AUDIENCE =
  'is missing: set it to the aud of the access tokens. Without it, tokens for other services would be accepted'

const issuerFields = {
  issuer: url(checkIssuer)
    .required('is missing: set it to the iss of the access tokens')
    .describe('The issuer of the tokens.'),
  audience: audienceField.required(MISSING_AUDIENCE).describe('Accepted values of aud.'),
  provider: string({ max: 64 })
    .rejectUndefined()
    .describe('The provider whose lists and user keys apply.'),
  ...listFields,
  allOf: allOfField(listFields),
  groupsClaim: string().describe('Claim that contains the groups.'),
  idClaim: string().rejectUndefined().describe('Claim that is the ID of the user.'),
  trustEmail: boolean().default(false).describe('Treat email addresses as verified.'),
  introspection: object(introspectionFields).describe('Check opaque tokens at the issuer.'),
  endpoints: object({ jwks: url().describe('URL of the signing keys.') }).describe(
    'URLs that are not discovered.',
  ),
  insecureHttp: boolean().default(false).describe('Accept plain http outside loopback.'),
} satisfies Record<keyof BearerIssuer, Field>

/** A validated entry of `bearer.issuers`. */
export type BearerIssuerConfig = Values<typeof issuerFields>

const issuerSchema: FieldSchema = { type: 'object', fields: issuerFields }

const issuersField = custom(parseIssuers, { type: 'array', of: issuerSchema })
  .required('is missing: list whose tokens are accepted, as in [{ issuer, audience }]')
  .describe('Whose access tokens are accepted.')

const bearerFields = {
  issuers: issuersField,
  resource: url(checkResource)
    .rejectUndefined()
    .describe('The URL that identifies this app to authorization servers.'),
} satisfies Record<keyof BearerOptions, Field>

/** The option `bearer`. */
export const bearerField = object(bearerFields)

/** The validated option `bearer`. */
export type BearerConfig = Values<typeof bearerFields>

function parseIssuers(
  value: unknown,
  mistakes: Mistakes,
): readonly BearerIssuerConfig[] | undefined {
  if (!Array.isArray(value)) return mistakes.add('must be an array, as in [{ issuer, audience }]')
  if (value.length === 0)
    return mistakes.add('is an empty array: add an entry, or leave out bearer')
  return Array.from(value, (entry: unknown, index) => parseIssuer(entry, mistakes.item(index)))
}

function parseIssuer(entry: unknown, mistakes: Mistakes): BearerIssuerConfig {
  const values = readFields(issuerFields, entry, mistakes)
  if (!mistakes.hasAny()) checkTransport(issuerFields, values, values.insecureHttp, mistakes)
  return values
}

function checkIssuer(issuer: string): string | undefined {
  const { pathname, search } = new URL(issuer)
  const path = pathname.indexOf('/.well-known/')
  if (path !== -1) return 'must be the issuer alone: leave out /.well-known/ and what follows'
  // OpenID Connect Discovery 1.0, 3
  return search === '' ? undefined : 'must have no query: set it to the iss of the access tokens'
}

/** RFC 8707, 2 */
function checkResource(resource: string): string | undefined {
  const { search, pathname } = new URL(resource)
  if (search !== '') return 'must have no query'
  return pathname.startsWith('/.well-known/')
    ? 'must be the URL of the app, not that of its metadata'
    : undefined
}
