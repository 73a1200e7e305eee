import type { Claims, MembershipList } from './identity.js'
import type { ClientAuth, Endpoints } from './endpoints.js'
import type { ProviderHooks } from './provider-hooks.js'

/** The vendors whose marks the sign-in page contains. */
export const vendorMarks = [
  'github',
  'google',
  'microsoft',
  'gitlab',
  'facebook',
  'linkedin',
  'twitch',
  'amazon',
] as const

/** A vendor whose mark the sign-in page contains. */
export type VendorMark = (typeof vendorMarks)[number]

/**
 * A provider as data: how a vendor differs. Everything that is left out follows RFC 6749 and, with
 * `openid: true`, OpenID Connect Core. Pass it to `defineProvider()`.
 */
export interface ProviderDefinition extends ProviderHooks {
  /** Name on the sign-in button. Default: the key of the provider in the option `provider`. */
  displayName?: string | undefined
  /** https URL of the icon on the sign-in button. Default: none. */
  iconUrl?: string | undefined
  /** The vendor whose mark is the icon on the sign-in button. Default: none. */
  mark?: VendorMark | undefined
  /** Background of the icon of a provider without a mark and `iconUrl`, as `#rrggbb`. */
  color?: string | undefined
  /**
   * Issuer identifier: `iss` of ID tokens and callbacks (RFC 9207). Discovery starts here if an
   * endpoint is missing. Compared as a string.
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
  /**
   * Whether a discovery document belongs to the issuer. Default: equal strings. (OpenID Connect
   * Discovery 1.0, 4.3)
   */
  acceptsDiscovery?: ((discovered: string, expected: string) => boolean) | undefined
  /**
   * Whether `iss` of an ID token is the issuer's. Default: equal to the discovered issuer. Decides
   * whose tokens are trusted.
   */
  acceptsIssuer?: ((issuer: string, claims: Claims, discovered: string) => boolean) | undefined
  /**
   * Whether a JWK of the key set may sign tokens with these claims. Default: always. Must only use
   * its arguments.
   */
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
  /**
   * The spelling in which scopes are compared, if the provider accepts or returns several. Default:
   * unchanged.
   */
  canonicalScope?: ((scope: string) => string) | undefined
  /**
   * Whether the token response lists what the user granted, so that a login without the configured
   * scopes is rejected; a function decides by the token response. Default: `true` with
   * `grantedScopes`, otherwise `false`: other servers leave out scopes that they granted, or return
   * them in another form. (RFC 6749, 3.3)
   */
  reportsGrantedScopes?: boolean | ((response: Claims) => boolean) | undefined
  /** PKCE with S256 (RFC 7636). Default `true`; `false` only for vendors that reject it. */
  pkce?: boolean | undefined
  /**
   * Whether ID tokens contain `nonce`. Default `true`. With `false`, a `nonce` that is present must
   * still match.
   */
  returnsNonce?: boolean | undefined
  /**
   * Whether the provider can return its response as a posted form (`responseMode`). Default `true`.
   */
  supportsFormPost?: boolean | undefined
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
  /**
   * Values of `prompt` that the provider supports if discovery lists none
   * (`prompt_values_supported`). Default: those that this definition sends. (OpenID Connect Core,
   * 3.1.2.1)
   */
  promptValues?: readonly string[] | undefined
  /**
   * Parameters that make the provider authenticate the user again, such as `prompt=login`. Default:
   * none.
   */
  reauthenticate?: Readonly<Record<string, string>> | undefined
  /**
   * Whether `reauthenticate` is reliable: then an earlier `auth_time` is rejected. Default `false`.
   */
  forcesLogin?: boolean | undefined
  /**
   * Whether ID tokens then contain `auth_time`; guards with `maxAge` require it. Default `false`.
   */
  returnsAuthTime?: boolean | undefined
  /** Parameters that let the user select another account. Default: none. */
  selectAccount?: Readonly<Record<string, string>> | undefined
  /** Parameters that request scopes again that the user has declined. Default: none. */
  requestConsent?: Readonly<Record<string, string>> | undefined
  /**
   * Whether the redirect to the callback has a fragment: browsers keep it across redirects. Default
   * `false`.
   */
  hasCallbackFragment?: boolean | undefined
  /**
   * Values of `error` in the callback for a canceled login, in addition to the standard ones.
   * Default: none.
   */
  denialErrors?: readonly string[] | undefined
  /**
   * Whether the upstream headers contain GitHub's login name, organization and team. Default
   * `false`.
   */
  hasGithubHeaders?: boolean | undefined
  /** Rules on memberships that the provider supports. Default: none. */
  membershipLists?: readonly MembershipList[] | undefined
  /**
   * Scopes that `memberships` requires; requested if a rule names memberships, or if all are
   * wanted. Default: none.
   */
  membershipScopes?: readonly string[] | undefined
  /**
   * Characters of `state` that fit the URLs of the authorization request and, next to a code, of
   * the callback. Beyond, the user returns to the start page. Default 6500.
   */
  maxStateLength?: number | undefined
  /**
   * Identifies the version of the hooks. Change it with them, so that all sessions are checked
   * again.
   */
  rulesKey?: string | undefined
  /**
   * Why email addresses are never verified: for the error about an email rule without `trustEmail`.
   */
  emailNeverVerified?: string | undefined
  /** Whether `emailVerified` takes precedence over the option `trustEmail`. Default `false`. */
  emailClaimDecides?: boolean | undefined
}
