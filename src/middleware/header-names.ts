import type { StoredDecision, UserProfile } from '../access/user.js'
import { type HeaderPreset, isHeaderPreset } from '../options/header-presets.js'
import type { UpstreamHeadersConfig } from '../options/config.js'

/** The tokens that have a header. */
export type TokenName = 'access' | 'refresh'

/** The user that the headers describe, and the entry of a rule list that matched, or several. */
export interface HeaderUser {
  readonly user: UserProfile
  readonly matched: StoredDecision['matched'] | StoredDecision['matches']
  /** Whether an email address that is not verified counts. Default: by the options of the provider. */
  readonly trustsEmail?: boolean | undefined
}

/** The tokens for the headers of one request. */
export interface HeaderTokens {
  /** The tokens that exist and fit a header. */
  readonly headerTokens: readonly TokenName[]
  /** Decrypts a token. Called only when something reads its header. */
  decryptToken(name: TokenName): string | undefined
}

/** An array becomes a list that commas separate. */
type ReadValue = (
  user: HeaderUser,
  config: UpstreamHeadersConfig,
) => string | readonly string[] | undefined

/** A header, and how its value follows from the user. */
export type HeaderValue = readonly [name: string, read: ReadValue]

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
      [`${prefix}github-user-id`, onlyGithub(({ user }) => user.username)],
      [`${prefix}github-organization`, onlyGithub(({ matched }) => organizationOf(matched))],
      [`${prefix}github-team`, onlyGithub(({ matched }) => entryOf(matched, 'teams'))],
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
    [`${prefix}user`, ({ user }) => user.username ?? user.id],
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

function onlyGithub(read: ReadValue): ReadValue {
  return (source, config) =>
    config.github.has(source.user.provider) ? read(source, config) : undefined
}

/** The organization that matched, or the one of the team that matched. */
function organizationOf(matched: HeaderUser['matched']): string | undefined {
  const team = entryOf(matched, 'teams')
  return entryOf(matched, 'organizations') ?? (team?.includes('/') ? team.split('/')[0] : undefined)
}

/** The first entry of a list that matched. */
function entryOf(matched: HeaderUser['matched'], list: string): string | undefined {
  return [matched ?? []].flat().find((match) => match.list === list)?.entry
}

function emailOf(
  { user, trustsEmail }: HeaderUser,
  { trustsEmailOf }: UpstreamHeadersConfig,
): string | undefined {
  const isTrusted = trustsEmail ?? trustsEmailOf.has(user.provider)
  return user.emailVerified || isTrusted ? user.email : undefined
}

/** Teams are named `organization:team`, and not by their numeric IDs. */
function groupsOf({ user }: HeaderUser): readonly string[] {
  const teams = user.teams.filter((team) => team.includes('/'))
  return [...user.organizations, ...teams.map((team) => team.replace('/', ':')), ...user.groups]
}
