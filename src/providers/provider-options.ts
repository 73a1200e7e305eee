import { ruleFields } from '../access/rules.js'
import { isAllowedUrl } from '../http/origin.js'
import type { ClientAuth, Endpoints } from '../oauth/definition.js'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.js'
import type { Field, Values } from '../schema/field.js'
import { boolean, custom, object, oneOf, string, url } from '../schema/types.js'
import {
  authorizationParamsField,
  authorizationParamsMapField,
  scopesField,
  tokenHeadersField,
} from './request-params.js'
import { signingAlgorithmsField } from './signing-algorithms.js'

/** Options that every provider accepts. */
export interface ProviderOptions {
  /**
   * Client ID of your app's registration at the provider. Without the keys `clientId` and
   * `clientSecret`, both are read from the environment (`OAUTH_MODULE_GITHUB_CLIENT_ID`,
   * `…_CLIENT_SECRET`). A key that is present but `undefined` throws.
   */
  clientId?: string | undefined
  /**
   * Client secret. With `clientAuth: 'private_key_jwt'`, the private key as PEM (PKCS #8) or as a
   * JWK in JSON.
   */
  clientSecret?: string | undefined
  /**
   * Additional scopes. A login is rejected if the vendor reports that the user did not grant one of
   * them (GitHub, Google, Facebook, GitLab, Twitch). Default: none.
   */
  scopes?: readonly string[] | undefined
  /**
   * Scopes that are requested and never required: see `req.oauth.scopes` for what was granted.
   * Default: none.
   */
  optionalScopes?: readonly string[] | undefined
  /** Users with one of these verified email addresses may pass. Default: no such rule. */
  emailAddresses?: readonly string[] | undefined
  /**
   * Users with a verified email address at one of these domains may pass; subdomains do not match.
   * Default: no such rule.
   */
  emailDomains?: readonly string[] | undefined
  /**
   * Name on the sign-in button, at most 64 characters. Default: the vendor's name, or the key of
   * the provider.
   */
  displayName?: string | undefined
  /** https URL of the icon on the sign-in button. Default: none. */
  iconUrl?: string | undefined
  /**
   * Treat email addresses as verified even if the provider does not confirm that. Default `false`.
   */
  trustEmail?: boolean | undefined
  /** Scopes that `?connection_scope=` of `/auth/authn` may add. Default: none. */
  connectionScopes?: readonly string[] | undefined
  /** Parameters of every authorization request. Parameters of the protocol throw. Default: none. */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /**
   * `{ idpParam: 'queryParamOfAuthn' }`: forwards a query parameter of `/auth/authn` as `idpParam`.
   * Default: none.
   */
  authorizationParamsMap?: Readonly<Record<string, string>> | undefined
  /** Headers of requests to the token endpoint. Default: none. */
  tokenHeaders?: Readonly<Record<string, string>> | undefined
  /**
   * Client authentication at the token endpoint. Default: `'basic'` if discovery lists only
   * `client_secret_basic` of the two methods with a secret, otherwise `'post'`; built-in providers
   * have a fixed value.
   */
  clientAuth?: ClientAuth | undefined
  /**
   * Algorithms that may sign ID tokens, such as `['RS512']`. `'HS256'` is verified with
   * `clientSecret`. Default: the RS, PS and ES algorithms with 256, 384 and 512 bits and EdDSA,
   * limited to what the discovery document lists.
   */
  signingAlgorithms?: readonly SigningAlgorithm[] | undefined
  /**
   * Request a refresh token; with `'consent'`, also send `prompt=consent`, without which many
   * providers issue none (OpenID Connect Core, 11). Default: `true` if `authCheckInterval` is set,
   * unless discovery does not list the scope.
   */
  offlineAccess?: boolean | 'consent' | undefined
  /**
   * Replaces URLs of the provider. Plain http is accepted only on loopback. Default: the vendor's,
   * or discovery.
   */
  endpoints?: Readonly<Partial<Endpoints>> | undefined
}

/** Accepts https, and http on loopback. Issuers may contain a placeholder in braces. */
export function checkProviderUrl(value: string): string | undefined {
  return isAllowedUrl(value.replaceAll(/[{}]/g, ''))
    ? undefined
    : 'must be an https URL (plain http only on this machine)'
}

/** A URL of a provider. */
export const providerUrl = url(checkProviderUrl)

const endpointFields = {
  issuer: providerUrl,
  authorization: providerUrl,
  token: providerUrl,
  userinfo: providerUrl,
  api: providerUrl,
  jwks: providerUrl,
  revocation: providerUrl,
  endSession: providerUrl,
} satisfies Record<keyof Endpoints, Field>

/** The names of all endpoints. */
export const endpointNames = Object.keys(endpointFields) as (keyof Endpoints)[]

const secretField = string({ max: 8192 })

/** The options of every provider. */
export const commonFields = {
  clientId: string().describe('Client ID of the registration at the provider.'),
  // Only a private key in PEM contains line breaks.
  clientSecret: custom((value, mistakes) =>
    typeof value === 'string' && value.startsWith('-----BEGIN ')
      ? value
      : secretField.parse(value, mistakes),
  ).describe('Client secret, or the private key of the client.'),
  scopes: scopesField.describe('Additional scopes, which the user must grant.'),
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
  tokenHeaders: tokenHeadersField.describe('Headers of requests to the token endpoint.'),
  clientAuth: oneOf(['post', 'basic', 'private_key_jwt', 'none']).describe(
    'Client authentication at the token endpoint.',
  ),
  signingAlgorithms: signingAlgorithmsField.describe('Algorithms that may sign ID tokens.'),
  offlineAccess: oneOf([true, false, 'consent']).describe(
    'Request a refresh token, also with a consent at every login.',
  ),
  endpoints: object(endpointFields).describe('Replaces URLs of the provider.'),
} satisfies Record<keyof ProviderOptions, Field>

/** Parsed options of every provider. */
export type CommonValues = Values<typeof commonFields>
