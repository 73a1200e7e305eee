import type { VendorSettings } from './settings.js'

export type VendorName =
  | 'github'
  | 'google'
  | 'microsoft'
  | 'gitlab'
  | 'facebook'
  | 'linkedin'
  | 'twitch'
  | 'amazon'
  | 'oidc'
  | 'oauth2'

/** What a request in the log was for. A vendor has only some of these. */
export type VendorEndpoint =
  | 'discovery'
  | 'jwks'
  | 'authorize'
  | 'par'
  | 'token'
  | 'userinfo'
  | 'revocation'
  | 'endSession'
  | 'validate'
  | 'user'
  | 'emails'
  | 'orgs'
  | 'teams'
  | 'memberships'
  | 'teamMembership'
  | 'application'
  | 'permissions'
  | 'tokeninfo'
  | 'groups'
  | 'unknown'

export interface VendorEmail {
  email: string
  primary: boolean
  verified: boolean
  visibility?: 'public' | 'private' | null
}

export interface VendorOrganization {
  login: string
  id?: number
  /** `pending` is an invitation that nobody accepted yet. */
  state?: 'active' | 'pending'
  /** Left out without an error, as access restrictions and SAML do. */
  hidden?: boolean
}

export interface VendorTeam {
  organization: string
  slug: string
  name?: string
  id?: number
  parent?: { slug: string; name?: string; id?: number }
  state?: 'active' | 'pending'
  /** Member only through a child team: not listed, though the membership endpoint knows it. */
  inherited?: boolean
}

/** A person with an account at the provider. Change it while the server runs: the next answer says so. */
export interface VendorUser {
  id: string | number
  username?: string | undefined
  name?: string | null | undefined
  email?: string | null | undefined
  emailVerified?: boolean | string | undefined
  /** GitHub's `/user/emails`; without it, `email` is the only and primary one. */
  emails?: VendorEmail[] | undefined
  /** GitHub. A string is the login of an organisation. */
  organizations?: (string | VendorOrganization)[] | undefined
  /** GitHub. A string is `organisation/slug`. */
  teams?: (string | VendorTeam)[] | undefined
  /** GitLab: full paths with the inherited ones. Microsoft: object ids. Elsewhere a plain claim. */
  groups?: string[] | undefined
  /** GitLab: direct memberships only; `groups` when absent. */
  directGroups?: string[] | undefined
  picture?: string | undefined
  /** Google's hosted domain. */
  hd?: string | undefined
  /** Microsoft's tenant. */
  tid?: string | undefined
  /** Facebook: permissions that the user did not give. */
  declined?: string[] | undefined
  /** Suspended at the provider: its tokens are refused. */
  blocked?: boolean | undefined
  /** Laid over the ID token and the profile; `undefined` deletes. */
  claims?: Record<string, unknown> | undefined
}

export interface VendorRequest {
  endpoint: VendorEndpoint
  method: string
  /** Path and query, as sent. */
  url: string
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  /** Names and values as they came, duplicates kept. */
  rawHeaders: string[]
  /** The form body's fields. */
  form?: Record<string, string>
  body: string
  /** The answer's; absent while it is under way. */
  status?: number
}

export interface VendorAnswer {
  status?: number
  headers?: Record<string, string>
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown
}

/**
 * What can go wrong below HTTP: no answer at all, a reset connection, a body that trickles and never ends, one that
 * ends before its announced length, one that is far too long.
 */
export type VendorFault = 'hang' | 'reset' | 'slow-body' | 'truncated' | 'huge-body'

export type VendorOverride =
  | VendorAnswer
  | VendorFault
  | ((
      request: VendorRequest,
    ) => VendorAnswer | VendorFault | undefined | Promise<VendorAnswer | VendorFault | undefined>)

export type ClaimsOverride =
  Record<string, unknown> | ((claims: Record<string, unknown>) => Record<string, unknown>)

export type SigningFault =
  | 'none'
  | 'HS256-secret'
  | 'HS256-public-key'
  | 'wrong-key'
  | 'unknown-kid'
  | 'no-kid'
  | 'bad-signature'

export interface VendorOptions {
  users?: VendorUser[]
  clientId?: string
  clientSecret?: string
  settings?: Partial<VendorSettings>
  /** By default any free one. */
  port?: number
}

/** A provider on this machine that speaks as the vendor does, and refuses what the vendor refuses. */
export interface VendorServer {
  readonly vendor: VendorName
  readonly origin: string
  clientId: string
  clientSecret: string
  /** Provider options that point `oauthModule` at this server. */
  readonly options: Record<string, unknown>
  /**
   * Who is signed in at the provider. Another object takes this user's place, also behind tokens given out before; one
   * of `users` becomes the one signed in.
   */
  user: VendorUser
  /** With several, the authorize page asks which. */
  readonly users: VendorUser[]
  readonly settings: VendorSettings
  /** Every request, oldest first. Empty it with `requests.length = 0`. */
  readonly requests: VendorRequest[]
  /** Answers the endpoint (or `'*'`, all) with this instead; `undefined` ends that. Returns a function that ends it. */
  respond(
    endpoint: VendorEndpoint | '*',
    answer: VendorOverride | undefined,
    options?: { once?: boolean },
  ): () => void
  /** Lays claims and header over the next ID tokens, or spoils the signature. Without arguments it ends that. */
  claims(
    claims?: ClaimsOverride,
    how?: { header?: Record<string, unknown>; signing?: SigningFault; once?: boolean },
  ): void
  /** Signs with a new key; the old one leaves the key set. */
  rotateKeys(): void
  /** Ends every token, or those of one user. */
  revokeTokens(user?: VendorUser): void
  close(): Promise<void>
}
