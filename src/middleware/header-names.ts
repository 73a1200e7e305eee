import type { OAuthUser, StoredDecision } from '../access/user.js'
import { type HeaderPreset, isHeaderPreset } from '../options/header-presets.js'
import type { UpstreamHeadersConfig } from '../options/config.js'

/** The tokens that have a header. */
export type TokenName = 'access' | 'refresh'

/** The user that the headers describe, and the entry of a rule list that matched. */
export interface HeaderUser {
  readonly user: OAuthUser
  readonly matched: StoredDecision['matched']
}

/** The tokens for the headers of one request. */
export interface HeaderTokens {
  /** The tokens that exist and fit a header. */
  readonly headerTokens: readonly TokenName[]
  /** Decrypts a token. Called only when something reads its header. */
  decryptToken(name: TokenName): string | undefined
}

/** A header, and how its value follows from the user. */
export type HeaderValue = readonly [
  name: string,
  read: (user: HeaderUser, config: UpstreamHeadersConfig) => string | undefined,
]

/** The headers of one `headerPrefix`. */
export interface HeaderNames {
  readonly values: readonly HeaderValue[]
  readonly tokens: Readonly<Partial<Record<TokenName, string>>>
  /** Headers of clients that start with one of these, in any spelling, are removed. */
  readonly reservedPrefixes: readonly string[]
  /** Headers of clients with one of these names, in any spelling, are removed. */
  readonly reservedNames: readonly string[]
}

const NGROK_PREFIX = 'ngrok-auth-'

const presets: Readonly<Record<HeaderPreset, HeaderNames>> = {
  'oauth2-proxy': presetNames('x-forwarded-'),
  'oauth2-proxy-nginx': presetNames('x-auth-request-'),
}

/** The headers of the option `headerPrefix`. ngrok's names are always reserved. */
export function headerNames(headerPrefix: UpstreamHeadersConfig['headerPrefix']): HeaderNames {
  if (headerPrefix === false)
    return { values: [], tokens: {}, reservedPrefixes: [NGROK_PREFIX], reservedNames: [] }
  return isHeaderPreset(headerPrefix) ? presets[headerPrefix] : ngrokNames(headerPrefix)
}

function ngrokNames(prefix: string): HeaderNames {
  return {
    values: [
      [`${prefix}user-id`, ({ user }) => user.id],
      [`${prefix}user-name`, ({ user }) => user.name],
      [`${prefix}user-email`, emailOf],
      [
        `${prefix}user-provider`,
        ({ user }, { hasSeveralProviders }) => (hasSeveralProviders ? user.provider : undefined),
      ],
      [`${prefix}github-user-id`, ({ user }) => (isGithub(user) ? user.username : undefined)],
      [
        `${prefix}github-organization`,
        ({ user, matched }) => (isGithub(user) ? organizationOf(matched) : undefined),
      ],
      [
        `${prefix}github-team`,
        ({ user, matched }) =>
          isGithub(user) && matched?.list === 'teams' ? matched.entry : undefined,
      ],
    ],
    tokens: { access: `${prefix}oauth-access-token`, refresh: `${prefix}oauth-refresh-token` },
    reservedPrefixes: [NGROK_PREFIX, prefix],
    reservedNames: [],
  }
}

/**
 * https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview (`pass-user-headers`,
 * `set-xauthrequest`)
 */
function presetNames(prefix: string): HeaderNames {
  const values: readonly HeaderValue[] = [
    [`${prefix}user`, ({ user }) => user.id],
    [`${prefix}email`, emailOf],
    [`${prefix}preferred-username`, ({ user }) => user.username],
    [`${prefix}groups`, groupsOf],
  ]
  const access = `${prefix}access-token`
  return {
    values,
    tokens: { access },
    reservedPrefixes: [NGROK_PREFIX],
    reservedNames: [...values.map(([name]) => name), access],
  }
}

/** Detects GitHub by its own claims: the provider may have any name in the options. */
function isGithub({ claims }: OAuthUser): boolean {
  return typeof claims['login'] === 'string' && typeof claims['id'] === 'number'
}

/** The organization that matched, or the one of the team that matched. */
function organizationOf(matched: StoredDecision['matched']): string | undefined {
  if (matched?.list === 'organizations') return matched.entry
  return matched?.list === 'teams' && matched.entry.includes('/')
    ? matched.entry.split('/')[0]
    : undefined
}

function emailOf(
  { user }: HeaderUser,
  { trustsEmailOf }: UpstreamHeadersConfig,
): string | undefined {
  return user.emailVerified || trustsEmailOf.has(user.provider) ? user.email : undefined
}

function groupsOf({ user }: HeaderUser): string | undefined {
  return (
    [...user.organizations, ...user.teams, ...user.groups]
      .map((group) => group.replaceAll(',', '%2C'))
      .join(',') || undefined
  )
}
