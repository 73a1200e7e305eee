import type { ProviderOutcome } from '../http/errors.js'
import type { Identity } from './identity.js'
import type { MembershipsHook } from './memberships-hook.js'
import type { ApiResponse, ProviderApi } from './provider-api.js'

/** How a vendor's responses are read, where they differ from the specifications. */
export interface ProviderHooks {
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
  /**
   * What the owner should know because of an API response, such as a header about missing entries.
   * Logged once.
   */
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
  /**
   * A second grant that exchanges the access token for one with a longer lifetime. Default: none.
   */
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
  /**
   * Reads the granted scopes, if token responses never contain `scope`. Default: the requested
   * scopes.
   */
  grantedScopes?: ((api: ProviderApi) => Promise<readonly string[]>) | undefined
  /** Reads the user. Default: the standard claims of userinfo and ID token. */
  identity?: ((api: ProviderApi) => Promise<Identity> | Identity) | undefined
  /**
   * Reads which of the `wanted` memberships the user has; called only if a rule names some, or if
   * all are wanted. `isEnough` returns whether the rules are met by some memberships, so that the
   * hook can save requests. Default: none.
   */
  memberships?: MembershipsHook | undefined
  /**
   * A rule that applies in addition to all others: the reason to deny this user, or `undefined`.
   */
  restriction?: ((identity: Identity) => string | undefined) | undefined
  /** Additional parameters of a refresh request. Default: none. (RFC 6749, 6) */
  refreshParams?: ((redirectUri: string) => Record<string, string>) | undefined
  /**
   * Validates the access token at every re-check, if the vendor requires it. Rejects if the token
   * is invalid.
   */
  validate?: ((api: ProviderApi) => Promise<void>) | undefined
  /** Revokes the tokens. Default: the revocation endpoint, if there is one. (RFC 7009) */
  revoke?: ((api: ProviderApi) => Promise<void>) | undefined
}
