import type { ClientAuth, Endpoints } from '../oauth/definition.js'

/** Options that every provider takes. */
export interface ProviderOptions {
  /** Of your app's registration at the provider. Left out (not `undefined`): from the environment. */
  clientId?: string | undefined
  /** With `clientAuth: 'private_key_jwt'`: the private key, as PEM (PKCS #8) or as a JWK in JSON. */
  clientSecret?: string | undefined
  /** Additional scopes, all of which the user must grant. */
  scopes?: readonly string[] | undefined
  /** Users with one of these verified e-mail addresses may pass. */
  emailAddresses?: readonly string[] | undefined
  /** Users with a verified e-mail address at one of these domains, compared whole, may pass. */
  emailDomains?: readonly string[] | undefined
  /** On the sign-in button. */
  displayName?: string | undefined
  /** An https URL, shown on the sign-in button. */
  iconUrl?: string | undefined
  /** Treat the provider's e-mail as verified though the provider does not say so. */
  trustEmail?: boolean | undefined
  /** Scopes that `?connection_scope=` of `/auth/authn` may add. */
  connectionScopes?: readonly string[] | undefined
  /** Sent with every authorization request. */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** `{ idpParam: 'queryParamOfAuthn' }`: the value of a query parameter of `/auth/authn` goes to `idpParam`. */
  authorizationParamsMap?: Readonly<Record<string, string>> | undefined
  /** Sent to the token endpoint and nowhere else. */
  tokenHeaders?: Readonly<Record<string, string>> | undefined
  /** How the client authenticates at the token endpoint. Default `'post'`; vendors fix theirs. */
  clientAuth?: ClientAuth | undefined
  /** Ask for a refresh token. Default: when `authCheckInterval` is set. */
  offlineAccess?: boolean | undefined
  /** Other addresses than the vendor's. Plain http only on loopback. */
  endpoints?: Readonly<Partial<Endpoints>> | undefined
}
