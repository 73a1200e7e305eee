import { identityFromClaims, asUserId, asString } from '../oauth/claims.js'
import type { Claims, Identity } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { isProviderSetup, type ProviderSetup, providerSetup } from './define-provider.js'
import { reservedParams } from './request-params.js'
import type { Field, Mistakes, Values } from '../schema/field.js'
import { boolean, func, oneOf, url } from '../schema/types.js'
import { callProfile, type FetchUserProfile } from './user-profile.js'

/** Options of {@link oauth2Provider}. */
export interface OAuth2Options extends Omit<ProviderOptions, 'scopes'> {
  /** Authorization endpoint (RFC 6749, 3.1). Its query is kept. */
  authorizationUrl: string
  /** Token endpoint. (RFC 6749, 3.2) */
  tokenUrl: string
  /**
   * Endpoint that returns the user as JSON for an access token. The ID is read from `sub`, `id` or
   * `user_id`. Required without `fetchUserProfile`.
   */
  userinfoUrl?: string | undefined
  /** A function of your app that reads the user, instead of `userinfoUrl`. Default: none. */
  fetchUserProfile?: FetchUserProfile | undefined
  /** Scopes to request: an array, or a string separated by spaces. Default: none. */
  scopes?: readonly string[] | string | undefined
  /** Separator of scopes in the authorization request. Default: a space. */
  scopeSeparator?: ' ' | ',' | undefined
  /** Separator of scopes in `?connection_scope=`. Default: a comma. */
  connectionScopeSeparator?: ' ' | ',' | undefined
  /** PKCE with S256 (RFC 7636). Default `true`; servers without support ignore it. */
  pkce?: boolean | undefined
  /** Expected `iss` of callbacks, if the server sends it. Default: not checked. (RFC 9207) */
  issuer?: string | undefined
}

const missingUrl = 'is missing: set it to the endpoint of your provider'

const fields = {
  authorizationUrl: url((value) => {
    const names = [...new URL(value).searchParams.keys()]
    const reserved = names.find((name) => reservedParams.has(name))
    return reserved === undefined ? undefined : `must not set ${reserved} in its query`
  })
    .required(missingUrl)
    .describe('Authorization endpoint.'),
  tokenUrl: url().required(missingUrl).describe('Token endpoint.'),
  userinfoUrl: url().describe('Endpoint that returns the user as JSON.'),
  fetchUserProfile: func<FetchUserProfile>().describe('Reads the user.'),
  scopeSeparator: oneOf([' ', ',']).default(' ').describe('Separator of scopes.'),
  connectionScopeSeparator: oneOf([' ', ','])
    .default(',')
    .describe('Separator of scopes in ?connection_scope=.'),
  pkce: boolean().default(true).describe('PKCE with S256.'),
  issuer: url().describe('Expected iss of callbacks.'),
} satisfies Record<Exclude<keyof OAuth2Options, keyof ProviderOptions>, Field>

/**
 * Any OAuth 2.0 server, from its two endpoints and a way to read the user (RFC 6749, section 4.1).
 *
 * ```ts
 * oauthModule({
 *   provider: {
 *     acme: oauth2Provider({
 *       authorizationUrl: 'https://auth.acme.example/authorize',
 *       tokenUrl: 'https://auth.acme.example/token',
 *       clientId,
 *       clientSecret,
 *       async fetchUserProfile(accessToken) {
 *         const headers = { authorization: `Bearer ${accessToken}` }
 *         const response = await fetch('https://auth.acme.example/me', { headers })
 *         const { uuid, mail } = (await response.json()) as { uuid: string; mail: string }
 *         return { user_id: uuid, email: mail }
 *       },
 *     }),
 *   },
 * })
 * ```
 */
export function oauth2Provider(options: OAuth2Options): ProviderSetup {
  const { scopes } = options
  const listed =
    typeof scopes === 'string' && scopes !== ''
      ? { ...options, scopes: scopes.split(' ').filter((scope) => scope !== '') }
      : options
  return providerSetup(listed, fields, define)
}

/** Whether the value was returned by {@link oauth2Provider}: only it has both URLs as options. */
export function isOAuth2Setup(value: unknown): value is ProviderSetup {
  if (!isProviderSetup(value)) return false
  return Object.hasOwn(value.fields, 'authorizationUrl') && Object.hasOwn(value.fields, 'tokenUrl')
}

function define(
  { fetchUserProfile, ...values }: Values<typeof fields>,
  mistakes: Mistakes,
): ProviderDefinition | undefined {
  const { userinfoUrl } = values
  if (fetchUserProfile === undefined && userinfoUrl === undefined)
    return mistakes
      .at('userinfoUrl')
      .add('is missing: set it, or fetchUserProfile, so that the user can be read')
  return {
    openid: false,
    issuer: values.issuer,
    endpoints: {
      authorization: values.authorizationUrl,
      token: values.tokenUrl,
      ...(userinfoUrl !== undefined && { userinfo: userinfoUrl }),
    },
    scopes: [],
    // No scope is standard: `scopes` names the server's own.
    offline: {},
    scopeSeparator: values.scopeSeparator,
    connectionScopeSeparator: values.connectionScopeSeparator,
    pkce: values.pkce,
    identity: async (api) =>
      identityOf(
        fetchUserProfile === undefined
          ? await readUserinfo(api)
          : await callProfile(fetchUserProfile, api),
      ),
  }
}

/**
 * The first of these members that is present is the ID, even if it is invalid: the next one may
 * identify another user.
 */
async function readUserinfo({ userinfo }: ProviderApi): Promise<Claims> {
  const claims = await userinfo()
  return { ...claims, user_id: claims['sub'] ?? claims['id'] ?? claims['user_id'] }
}

function identityOf(profile: Claims): Identity {
  const username = ['preferred_username', 'nickname', 'username', 'login']
    .map((name) => asString(profile[name]))
    .find((name) => name !== undefined)
  return {
    ...identityFromClaims({ ...profile, sub: asUserId(profile['user_id']) }),
    username,
    claims: profile,
  }
}
