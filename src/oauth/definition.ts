import type { ProviderOutcome } from '../http/errors.js'
import type { Claims, Identity, MembershipList, MembershipResult, Memberships } from './identity.js'
import type { ApiResponse, ProviderApi } from './provider-api.js'

/** URLs of a provider; those of the server metadata (RFC 8414, 2) and `api`. */
export interface Endpoints {
  /** The issuer identifier: not an endpoint, but the base of discovery. (OpenID Connect Discovery 1.0, 4) */
  issuer: string
  /** Authorization endpoint. (RFC 6749, 3.1) */
  authorization: string
  /** Token endpoint. (RFC 6749, 3.2) */
  token: string
  /** Userinfo endpoint. (OpenID Connect Core, 5.3) */
  userinfo: string
  /** Base URL of the provider's own API; paths are appended to it. */
  api: string
  /** JSON Web Key Set with the keys of ID tokens. (RFC 7517, 5) */
  jwks: string
  /** Revocation endpoint. (RFC 7009, 2) */
  revocation: string
  /** End session endpoint. (OpenID Connect RP-Initiated Logout 1.0, 2) */
  endSession: string
}

/**
 * How the client authenticates at the token endpoint: `client_secret_post`, `client_secret_basic` (RFC 6749, 2.3.1),
 * `private_key_jwt` (RFC 7523, 2.2) or, for a public client, not at all.
 */
export type ClientAuth = 'post' | 'basic' | 'private_key_jwt' | 'none'

/**
 * A provider as data: how a vendor differs. Everything that is left out follows RFC 6749 and, with `openid: true`, OpenID
 * Connect Core. Pass it to `defineProvider()`.
 */
export interface ProviderDefinition {
  /** Name on the sign-in button. Default: the key of the provider in the option `provider`. */
  displayName?: string | undefined
  /** https URL of the icon on the sign-in button. Default: none. */
  iconUrl?: string | undefined
  /** Background of the sign-in button, as `#rrggbb`. Default: that of the page's style. */
  color?: string | undefined
  /**
   * Issuer identifier: `iss` of ID tokens and callbacks (RFC 9207). Discovery starts here if an endpoint is missing.
   * Compared as a string.
   */
  issuer?: string | undefined
  /** URLs that are known without discovery. They take precedence over discovered ones. */
  endpoints?: Readonly<Partial<Omit<Endpoints, 'issuer'>>> | undefined
  /** Names that the option `endpoints` accepts. Default: all; `issuer` only with `openid`. */
  configurableEndpoints?: readonly (keyof Endpoints)[] | undefined
  /** Base URL of discovery. Default: the issuer. (OpenID Connect Discovery 1.0, 4.1) */
  discoveryIssuer?: ((issuer: string) => string) | undefined
  /** Discover the issuer even if every endpoint is known. Default `false`. */
  needsDiscovery?: boolean | undefined
  /** Whether a discovery document belongs to the issuer. Default: equal strings. (OpenID Connect Discovery 1.0, 4.3) */
  acceptsDiscovery?: ((discovered: string, expected: string) => boolean) | undefined
  /** Whether `iss` of an ID token is the issuer's. Default: equal to the discovered issuer. Decides whose tokens are trusted. */
  acceptsIssuer?: ((issuer: string, claims: Claims, discovered: string) => boolean) | undefined
  /** Whether a JWK of the key set may sign tokens with these claims. Default: always. Must only use its arguments. */
  acceptsKey?: ((key: Claims, claims: Claims) => boolean) | undefined
  /** Whether the provider supports OpenID Connect: an ID token is required and verified. */
  openid: boolean
  /** Client authentication, if the vendor supports only one. Default: the option `clientAuth`. */
  clientAuth?: ClientAuth | undefined
  /** Scopes of every authorization request. (RFC 6749, 3.3) */
  scopes: readonly string[]
  /** Separator of scopes in the authorization request. Default: a space. */
  scopeSeparator?: string | undefined
  /** Separator of scopes in `?connection_scope=`. Default: a comma. */
  connectionScopeSeparator?: string | undefined
  /** Scopes that a granted scope includes. Default: none. */
  impliedScopes?: Readonly<Record<string, readonly string[]>> | undefined
  /** The spelling in which scopes are compared, if the provider accepts or returns several. Default: unchanged. */
  canonicalScope?: ((scope: string) => string) | undefined
  /**
   * Whether the token response lists what the user granted, so that a login without the configured scopes is rejected; a
   * function decides by the token response. Default: `true` with `grantedScopes`, otherwise `false`: other servers leave out
   * scopes that they granted, or return them in another form. (RFC 6749, 3.3)
   */
  reportsGrantedScopes?: boolean | ((response: Claims) => boolean) | undefined
  /** PKCE with S256 (RFC 7636). Default `true`; `false` only for vendors that reject it. */
  pkce?: boolean | undefined
  /** Whether ID tokens contain `nonce`. Default `true`. With `false`, a `nonce` that is present must still match. */
  returnsNonce?: boolean | undefined
  /** Parameters of every authorization request. Default: none. */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** Scopes and parameters that request a refresh token. Default: none. */
  offline?:
    | {
        /** Added to the scopes. Default: none. */
        scopes?: readonly string[]
        /** Added to the parameters. Default: none. */
        params?: Readonly<Record<string, string>>
      }
    | undefined
  /** Parameters that make the provider authenticate the user again, such as `prompt=login`. Default: none. */
  reauthenticate?: Readonly<Record<string, string>> | undefined
  /** Whether `reauthenticate` is reliable: then an earlier `auth_time` is rejected. Default `false`. */
  forcesLogin?: boolean | undefined
  /** Whether ID tokens then contain `auth_time`; guards with `maxAge` require it. Default `false`. */
  returnsAuthTime?: boolean | undefined
  /** Parameters that let the user select another account. Default: none. */
  selectAccount?: Readonly<Record<string, string>> | undefined
  /** Parameters that request scopes again that the user has declined. Default: none. */
  requestConsent?: Readonly<Record<string, string>> | undefined
  /** Whether the redirect to the callback has a fragment: browsers keep it across redirects. Default `false`. */
  hasCallbackFragment?: boolean | undefined
  /** Values of `error` in the callback for a canceled login, in addition to the standard ones. Default: none. */
  denialErrors?: readonly string[] | undefined
  /** Converts the token response to that of RFC 6749, 5.1. Default: unchanged. */
  normalizeTokens?: ((response: Record<string, unknown>) => Record<string, unknown>) | undefined
  /** Reads error responses that differ from RFC 6749, 5.2. Default: the member `error`. */
  readError?:
    | ((body: unknown) =>
        | {
            /** The error code, as in `invalid_grant`. */
            code: string
            /** The description, if there is one. */
            message?: string | undefined
          }
        | undefined)
    | undefined
  /** Meaning of an error response. Default, and for `undefined`: by status and error code. */
  outcomeOf?: ((response: ApiResponse) => ProviderOutcome | undefined) | undefined
  /** What the owner should know because of an API response, such as a header about missing entries. Logged once. */
  warningOf?:
    | ((response: ApiResponse) =>
        | {
            /** Without secrets and text that users control. */
            message: string
            /** More for the log. */
            facts?: Readonly<Record<string, unknown>>
          }
        | undefined)
    | undefined
  /** A second grant that exchanges the access token for one with a longer lifetime. Default: none. */
  upgradeToken?:
    | {
        /** `grant_type`. */
        grant: string
        /** The other parameters of the token request. */
        params: (
          accessToken: string,
          client: { id: string; secret: string | undefined },
        ) => Record<string, string>
      }
    | undefined
  /** Reads the granted scopes, if token responses never contain `scope`. Default: the requested scopes. */
  grantedScopes?: ((api: ProviderApi) => Promise<readonly string[]>) | undefined
  /** Reads the user. Default: the standard claims of userinfo and ID token. */
  identity?: ((api: ProviderApi) => Promise<Identity> | Identity) | undefined
  /** Rules on memberships that the provider supports. Default: none. */
  membershipLists?: readonly MembershipList[] | undefined
  /** Scopes that `memberships` requires; requested if a rule names memberships. Default: none. */
  membershipScopes?: readonly string[] | undefined
  /**
   * Reads which of the `wanted` memberships the user has; called only if a rule names some. `isEnough` returns whether the
   * rules are met by some memberships, so that the hook can save requests. Default: none.
   */
  memberships?:
    | ((
        api: ProviderApi,
        wanted: Memberships,
        identity: Identity,
        isEnough: (memberships: Memberships) => boolean,
      ) => Promise<MembershipResult>)
    | undefined
  /** A rule that applies in addition to all others: the reason to deny this user, or `undefined`. */
  restriction?: ((identity: Identity) => string | undefined) | undefined
  /** Identifies the version of the hooks. Change it with them, so that all sessions are checked again. */
  rulesKey?: string | undefined
  /** Why email addresses are never verified: for the error about an email rule without `trustEmail`. */
  emailNeverVerified?: string | undefined
  /** Whether `emailVerified` takes precedence over the option `trustEmail`. Default `false`. */
  emailClaimDecides?: boolean | undefined
  /** Additional parameters of a refresh request. Default: none. (RFC 6749, 6) */
  refreshParams?: ((redirectUri: string) => Record<string, string>) | undefined
  /** Validates the access token at every re-check, if the vendor requires it. Rejects if the token is invalid. */
  validate?: ((api: ProviderApi) => Promise<void>) | undefined
  /** Revokes the tokens. Default: the revocation endpoint, if there is one. (RFC 7009) */
  revoke?: ((api: ProviderApi) => Promise<void>) | undefined
}
