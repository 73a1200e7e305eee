import type { Rules } from '../access/rules.js'

/** How the issuer checks opaque tokens: `introspection` of an entry of `bearer.issuers`. */
export interface IntrospectionOptions {
  /**
   * The introspection endpoint. Default: the one that the server metadata lists (RFC 8414); with
   * Google, its tokeninfo endpoint.
   */
  endpoint?: string | undefined
  /**
   * The client ID that this app introspects with. Default: that of the entry's `provider`. Google
   * needs none.
   */
  clientId?: string | undefined
  /** The secret of that client. */
  clientSecret?: string | undefined
  /** Client authentication. Default: by the server metadata; `'post'` if it lists both or neither. */
  clientAuth?: 'post' | 'basic' | undefined
}

/** Rules of an entry of `bearer.issuers`: what a token states about its user. */
export type BearerRules = Pick<Rules, 'emailAddresses' | 'emailDomains' | 'groups' | 'allOf'>

/**
 * Whose access tokens are accepted, and which users of theirs may pass: an entry of
 * `bearer.issuers`. It has its own lists, or the name of a provider, whose lists then apply.
 */
export interface BearerIssuer extends BearerRules {
  /**
   * The issuer: `iss` of its tokens, compared character by character. Keys are discovered from it.
   * `{tenantid}` stands for any tenant of Microsoft.
   */
  issuer: string | undefined
  /**
   * `aud` of the tokens: one of these. With Amazon Cognito, whose access tokens have no `aud`, the
   * client ID.
   */
  audience: string | readonly string[] | undefined
  /**
   * Name of a provider in the option `provider`: its lists and restrictions apply, and users have
   * the same `key` as after a login there. Default: none.
   */
  provider?: string | undefined
  /**
   * The claim that lists the user's groups, or a path to it, for entries with their own lists.
   * Default `'groups'`.
   */
  groupsClaim?: string | undefined
  /**
   * The claim that is the ID of the user, or a path to it: `'oid'` with Microsoft Entra. Default:
   * `sub`, or with `provider` what the ID is there.
   */
  idClaim?: string | undefined
  /**
   * Accept email addresses without `email_verified` for the lists. Default `false`.
   */
  trustEmail?: boolean | undefined
  /**
   * Accept opaque tokens, which the issuer checks (RFC 7662). Results are used for at most 60
   * seconds. Default: only JWTs are accepted.
   */
  introspection?: IntrospectionOptions | undefined
  /** URLs that are not discovered. Default: none. */
  endpoints?:
    | {
        /** JSON Web Key Set with the keys of the tokens. (RFC 7517, 5) */
        jwks?: string | undefined
      }
    | undefined
  /**
   * Accept plain http also outside loopback, for an issuer in a network that you trust. Anyone who
   * can read or change that network can issue tokens. Default `false`.
   */
  insecureHttp?: boolean | undefined
}

/** Access tokens of machines, agents and command-line tools: the option `bearer`. */
export interface BearerOptions {
  /** Whose tokens are accepted. */
  issuers: readonly BearerIssuer[]
  /**
   * The URL that identifies this app as a resource (RFC 8707): clients request tokens for it, and
   * the metadata (RFC 9728) names it. Default: the public URL of the mount point.
   */
  resource?: string | undefined
}
