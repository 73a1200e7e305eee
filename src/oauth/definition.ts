import type { ProviderOutcome } from '../http/errors.js'

/** Claims of an ID token, of a userinfo answer or of a vendor's profile: foreign data, of any type. */
export type Claims = Readonly<Record<string, unknown>>

/** Who somebody is, in our words. */
export interface Identity {
  /** The provider's own, stable id of the user. */
  id: string
  name?: string | undefined
  email?: string | undefined
  /** Whether the provider vouches for the e-mail. Rules on e-mails ask for it. */
  emailVerified: boolean
  username?: string | undefined
  picture?: string | undefined
  claims: Claims
}

/** The lists of rules that need a provider's API or claims. */
export type MembershipList = 'organizations' | 'teams' | 'groups'

export const membershipLists: readonly MembershipList[] = ['organizations', 'teams', 'groups']

/** Memberships, of those that some rule asks about, in the spelling of the rules. */
export type Memberships = Readonly<Partial<Record<MembershipList, readonly string[]>>>

export interface Endpoints {
  issuer: string
  authorization: string
  token: string
  userinfo: string
  api: string
  jwks: string
  revocation: string
  endSession: string
}

export type ClientAuth = 'post' | 'basic' | 'private_key_jwt' | 'none'

export interface ApiRequest {
  headers?: Readonly<Record<string, string>>
  method?: 'GET' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
}

export interface ApiResponse {
  status: number
  headers: Headers
  body: unknown
}

/** What a provider's hooks may ask of the provider, with the user's access token. */
export interface ProviderApi {
  readonly accessToken: string
  /** Claims of the verified ID token, if there is one. */
  readonly claims: Claims
  /** What was granted. */
  readonly scopes: readonly string[]
  /** The answer of the token endpoint. */
  readonly tokens: Claims
  readonly client: { readonly id: string; readonly secret: string | undefined }
  /** Aborts when the time for reading the user is up. */
  readonly signal: AbortSignal
  /** The userinfo answer; its `sub` is checked against the ID token's. `params` go into the query. */
  userinfo(params?: Readonly<Record<string, string>>): Promise<Claims>
  /** The JSON of a path below `endpoints.api`; anything but a 2xx is thrown as a fault. */
  api(path: string, request?: ApiRequest): Promise<unknown>
  /** All entries of a list, `Link: rel="next"` followed on the API's own origin; `undefined` beyond 100 pages. */
  apiList(path: string): Promise<readonly unknown[] | undefined>
  /** A 2xx, or an answer of another status without a fault for those named in `statuses`. */
  apiResponse(path: string, statuses: readonly number[], request?: ApiRequest): Promise<ApiResponse>
}

/**
 * A provider as data: what a vendor does in its own way, and nothing else. Everything left out follows RFC 6749, or
 * OpenID Connect Core where `openid` is among the scopes.
 */
export interface ProviderDefinition {
  /** On the sign-in button. Default: the provider's name. */
  displayName?: string | undefined
  iconUrl?: string | undefined
  /** Background of the sign-in button, as `#rrggbb`. */
  color?: string | undefined
  /** What `iss` must be, in ID tokens and callbacks. Discovery starts here when an endpoint is missing. */
  issuer?: string | undefined
  endpoints?: Readonly<Partial<Omit<Endpoints, 'issuer'>>> | undefined
  /** Addresses that the option `endpoints` may replace. Default: all that the protocol has. */
  configurableEndpoints?: readonly (keyof Endpoints)[] | undefined
  /** Where discovery starts, when that is not the issuer itself. */
  discoveryIssuer?: ((issuer: string) => string) | undefined
  /** Discover although every endpoint is known: the issuer is not. */
  needsDiscovery?: boolean | undefined
  /** Whether the issuer of a discovery document is the one asked for. Default: they are the same text. */
  acceptsDiscovery?: ((discovered: string, asked: string) => boolean) | undefined
  /** Whether an ID token may name this issuer. Default: it is the discovered one. Tells whom to believe: be exact. */
  acceptsIssuer?: ((issuer: string, claims: Claims, discovered: string) => boolean) | undefined
  /** Whether a key of the JWKS may sign for this issuer. */
  acceptsKey?: ((key: Claims, claims: Claims) => boolean) | undefined
  /** Whether this is OpenID Connect: an ID token is demanded and verified. */
  openid: boolean
  /** Fixed by the vendor; else the option of the same name, default `'post'`. */
  clientAuth?: ClientAuth | undefined
  scopes: readonly string[]
  /** Between scopes in the authorization request. Default: a space. */
  scopeSeparator?: string | undefined
  /** Between scopes in `?connection_scope=`. Default: a comma. */
  connectionScopeSeparator?: string | undefined
  /** Scopes that a granted one stands for. */
  impliedScopes?: Readonly<Record<string, readonly string[]>> | undefined
  /** PKCE with S256; `false` only where the vendor refuses it. */
  pkce?: boolean | undefined
  /** `false` only where the vendor leaves `nonce` out of the ID token; one that is there must fit all the same. */
  returnsNonce?: boolean | undefined
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** Added to ask for a refresh token. */
  offline?: { scopes?: readonly string[]; params?: Readonly<Record<string, string>> } | undefined
  /** Forces a new login at the provider, or comes nearest to it. */
  reauthenticate?: Readonly<Record<string, string>> | undefined
  /** Whether `reauthenticate` really does: then `auth_time` is checked. */
  forcesLogin?: boolean | undefined
  /** Whether the ID token then says when the user logged in (`auth_time`): guards with `maxAge` need it. */
  returnsAuthTime?: boolean | undefined
  /** Asks for another account. */
  selectAccount?: Readonly<Record<string, string>> | undefined
  /** Asks the user again for scopes declined before. */
  requestConsent?: Readonly<Record<string, string>> | undefined
  /** Whether the callback's address comes with a fragment, which a browser would carry along to the page after it. */
  hasCallbackFragment?: boolean | undefined
  /** Errors of the authorization response that mean that the user said no, beside those of the standards. */
  denialErrors?: readonly string[] | undefined
  /** Brings the token answer into the form of RFC 6749, 5.1. */
  normalizeTokens?: ((answer: Record<string, unknown>) => Record<string, unknown>) | undefined
  /** Reads an error of the token endpoint or the API that has a form of its own. */
  readError?:
    ((body: unknown) => { code: string; message?: string | undefined } | undefined) | undefined
  /** What an API error means, where its status does not say it. */
  outcomeOf?: ((answer: ApiResponse) => ProviderOutcome | undefined) | undefined
  /** Exchanges the token that the code gave for a better one. */
  upgradeToken?:
    | {
        grant: string
        params: (
          accessToken: string,
          client: { id: string; secret: string | undefined },
        ) => Record<string, string>
      }
    | undefined
  /** What the user granted, where the token answer never says it. */
  grantedScopes?: ((source: ProviderApi) => Promise<readonly string[]>) | undefined
  /** Who the user is. Default: userinfo over the ID token's claims. */
  identity?: ((source: ProviderApi) => Promise<Identity> | Identity) | undefined
  /** The lists of memberships this provider knows. */
  membershipLists?: readonly MembershipList[] | undefined
  /** Scopes that `memberships` needs; requested when some rule asks about them. */
  membershipScopes?: readonly string[] | undefined
  /** Which of the memberships that rules ask about the user has. */
  memberships?:
    | ((source: ProviderApi, wanted: Memberships, identity: Identity) => Promise<Memberships>)
    | undefined
  /** A rule that always applies, on top of all lists: why this user may not pass, or nothing. */
  restriction?: ((identity: Identity) => string | undefined) | undefined
  /** Stands for the hooks that are functions in the rules' fingerprint: another one makes everybody be checked again. */
  rulesKey?: string | undefined
  /** Why an e-mail of this provider is never verified, for the message of an e-mail rule without `trustEmail`. */
  emailNeverVerified?: string | undefined
  /** A verified-e-mail claim that decides even against `trustEmail`. */
  emailClaimDecides?: boolean | undefined
  /** Sent along with a refresh token. */
  refreshParams?: ((redirectUri: string) => Record<string, string>) | undefined
  /** Whether the access token is asked at every re-check (Twitch), not only used. */
  validate?: ((source: ProviderApi) => Promise<void>) | undefined
  /** How tokens are revoked where there is no RFC 7009 endpoint. */
  revoke?: ((source: ProviderApi) => Promise<void>) | undefined
}
