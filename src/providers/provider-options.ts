import type { RuleSetWith } from '../access/rules.js'
import type { ClientAuth, Endpoints, ResponseMode } from '../oauth/endpoints.js'
import type { SigningAlgorithm } from '../oauth/signing-algorithms.js'

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
   * Scopes of every authorization request, instead of the vendor's (`openid profile email` with
   * `oidcProvider()`). Must contain `openid` for OpenID Connect. Scopes that rules need are still
   * added. Default: the vendor's.
   */
  defaultScopes?: readonly string[] | undefined
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
   * Rule sets, each of which must be met: `[{ organizations: ['acme'] }, { emailDomains:
   * ['acme.example'] }]`. Within one set, the lists are alternatives. The lists next to `allOf`
   * form one more set. Default: none.
   */
  allOf?: readonly RuleSetWith[] | undefined
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
  /**
   * Path of this provider's redirect URI, below the mount point: keeps one that is already
   * registered, such as `'/auth/github/callback'`. Each provider has its own. Default: that of the
   * option `callbackPath` of `oauthModule()`.
   */
  callbackPath?: string | undefined
  /**
   * `'form_post'`: the provider posts its response to the redirect URI, instead of adding it to the
   * query (`response_mode=form_post`). The app must be reached over https, or on loopback. Default
   * `'query'`.
   */
  responseMode?: ResponseMode | undefined
  /**
   * Send the ID token as `id_token_hint` when `logout.endProviderSession` ends the session at the
   * provider; tokens of more than 2 kB never are. Default `true`; `false` for a provider that
   * rejects the hint. (RP-Initiated Logout 1.0, 2)
   */
  logoutHint?: boolean | undefined
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
   * Accept plain http also outside loopback, for a provider in a network that you trust, such as a
   * cluster. Anyone who can read that network can read client secret, codes and tokens. Default
   * `false`.
   */
  insecureHttp?: boolean | undefined
  /**
   * Replaces URLs of the provider, also to reach it at another host than browsers do. Plain http is
   * accepted only on loopback, or with `insecureHttp`. Default: the vendor's, or discovery.
   */
  endpoints?: Readonly<Partial<Endpoints>> | undefined
}
