import { ruleFields, ruleLists } from '../access/rules.js'
import { isObject } from '../http/json.js'
import { isAllowedUrl } from '../http/origin.js'
import type { Endpoints } from '../oauth/endpoints.js'
import type { Field, Fields, Mistakes, Values } from '../schema/field.js'
import { boolean, custom, object, oneOf, string, url } from '../schema/types.js'
import { callbackPathField } from './callback-path.js'
import type { ProviderOptions } from './provider-options.js'
import {
  authorizationParamsField,
  authorizationParamsMapField,
  scopesField,
  tokenHeadersField,
} from './request-params.js'
import { signingAlgorithmsField } from './signing-algorithms.js'

/** How to fix a URL of a provider that is neither https nor permitted plain http. */
export const HTTPS_FIX =
  'must be an https URL: plain http is accepted only on this machine, or with insecureHttp: true in a network that you trust'

/**
 * Whether a URL of a provider is https or permitted http. Issuers may contain a placeholder in
 * braces.
 */
export function isProviderUrl(value: string, insecureHttp: boolean): boolean {
  return isAllowedUrl(value.replaceAll(/[{}]/g, ''), insecureHttp)
}

/**
 * Reports URLs over plain http that `insecureHttp` does not permit. The fields of the URLs cannot:
 * they do not see the other options.
 */
export function checkTransport(
  fields: Fields,
  values: Readonly<Record<string, unknown>>,
  insecureHttp: boolean,
  mistakes: Mistakes,
): void {
  for (const [name, { schema }] of Object.entries(fields)) {
    const value = values[name]
    if (schema.type === 'object' && isObject(value))
      checkTransport(schema.fields, value, insecureHttp, mistakes.at(name))
    if (schema.type === 'url' && typeof value === 'string' && !isProviderUrl(value, insecureHttp))
      mistakes.at(name).add(HTTPS_FIX)
  }
}

const endpointFields = {
  issuer: url().describe('The issuer identifier.'),
  authorization: url().describe('Authorization endpoint.'),
  token: url().describe('Token endpoint.'),
  userinfo: url().describe('Userinfo endpoint.'),
  api: url().describe('Base URL of the API.'),
  jwks: url().describe('URL of the signing keys.'),
  revocation: url().describe('Revocation endpoint.'),
  endSession: url().describe('End-session endpoint.'),
} satisfies Record<keyof Endpoints, Field>

/** The names of all endpoints. */
export const endpointNames = Object.keys(endpointFields) as (keyof Endpoints)[]

const secretField = string({ max: 8192 })

/** The options of every provider. */
export const commonFields = {
  clientId: string().describe('Client ID of the registration at the provider.'),
  // Only a private key in PEM contains line breaks.
  clientSecret: custom(
    (value, mistakes) =>
      typeof value === 'string' && value.startsWith('-----BEGIN ')
        ? value
        : secretField.parse(value, mistakes),
    { type: 'secret' },
  ).describe('Client secret, or the private key of the client.'),
  scopes: scopesField.rejectUndefined().describe('Additional scopes, which the user must grant.'),
  defaultScopes: scopesField.describe('Scopes instead of those of the vendor.'),
  optionalScopes: scopesField.describe('Additional scopes, which the user may decline.'),
  emailAddresses: ruleFields.emailAddresses,
  emailDomains: ruleFields.emailDomains,
  displayName: string({ max: 64 }).describe('Name on the sign-in button.'),
  iconUrl: url((value) =>
    new URL(value).protocol === 'https:' ? undefined : 'must be an https URL',
  ).describe('Icon on the sign-in button.'),
  trustEmail: boolean().default(false).describe('Treat email addresses as verified.'),
  connectionScopes: scopesField.describe('Scopes that ?connection_scope= may add.'),
  authorizationParams: authorizationParamsField.describe('Added to authorization requests.'),
  authorizationParamsMap: authorizationParamsMapField.describe(
    'Forwards query parameters of /auth/authn to the provider.',
  ),
  callbackPath: callbackPathField.describe('Path of the redirect URI of this provider.'),
  responseMode: oneOf(['query', 'form_post'])
    .default('query')
    .describe('Whether the response comes in the query or as a posted form.'),
  logoutHint: boolean()
    .default(true)
    .describe('Send the ID token to the provider when its session ends.'),
  tokenHeaders: tokenHeadersField.describe('Headers of requests to the token endpoint.'),
  clientAuth: oneOf(['post', 'basic', 'private_key_jwt', 'none']).describe(
    'Client authentication at the token endpoint.',
  ),
  signingAlgorithms: signingAlgorithmsField.describe('Algorithms that may sign ID tokens.'),
  offlineAccess: oneOf([true, false, 'consent']).describe(
    'Request a refresh token, also with a consent at every login.',
  ),
  insecureHttp: boolean().default(false).describe('Accept plain http outside loopback.'),
  endpoints: object(endpointFields).describe('Replaces URLs of the provider.'),
  // `allOf` follows from the rule lists of the provider: see `providerSetup()`.
} satisfies Record<keyof Omit<ProviderOptions, 'allOf'>, Field>

/** Parsed options of every provider. */
export type CommonValues = Values<typeof commonFields>

/** Options that may be set next to `provider` by mistake. */
export const providerOptions = {
  names: [...Object.keys(commonFields), ...ruleLists, 'allOf', 'tenant', 'hostedDomain', 'issuer'],
  of: 'a provider, as in { provider: { github: { … } } }',
}
