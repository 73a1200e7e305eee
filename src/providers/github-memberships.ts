import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from '../oauth/claims.js'
import type { MembershipResult, Memberships, WantedMemberships } from '../oauth/identity.js'
import type { ApiResponse, ProviderApi } from '../oauth/provider-api.js'

/** Names that were read, by their lower case, and why some may be missing. */
interface Reading {
  readonly names: ReadonlyMap<string, string>
  readonly failure?: unknown
}

const NOTHING: Reading = { names: new Map() }

/**
 * Reads organizations and teams. One response is enough to prove a membership, so a failure of
 * another one only matters if the rules are not met without it. `isEnough` prevents the request for
 * teams if only organizations are wanted.
 */
export async function memberships(
  api: ProviderApi,
  wanted: WantedMemberships,
  { username }: { username?: string | undefined },
  isEnough: (memberships: Memberships) => boolean,
): Promise<MembershipResult> {
  const { organizations: wantedOrganizations = [], teams: wantedTeams = [], all } = wanted
  const reading = wantedTeams.length > 0 || all === true ? readTeams(api) : undefined
  const organizations = await readNames(api, '/user/orgs', organizationNames)
  const listed = wantedOrganizations.filter((name) => organizations.names.has(name.toLowerCase()))
  const needsTeams =
    listed.length < wantedOrganizations.length && !isEnough({ organizations: listed })
  const teams = await (reading ?? (needsTeams ? readTeams(api) : NOTHING))
  const member = (team: string) => isMember(api, team.toLowerCase(), username, organizations, teams)
  const found = await Promise.all(wantedTeams.map(member))
  const failures = [organizations, teams, ...found].map(({ failure }) => failure)
  return {
    organizations: [
      ...wantedOrganizations.filter(
        (name) => listed.includes(name) || hasTeamOf(name.toLowerCase(), teams),
      ),
      ...(all === true ? namesBeside(wantedOrganizations, organizations) : []),
    ],
    teams: [
      ...wantedTeams.filter((_, index) => found[index]?.isMember),
      ...(all === true ? namesBeside(wantedTeams, teams) : []),
    ],
    incomplete: withoutDenied(api, failures),
  }
}

/** The names that are not wanted by a rule. Numeric IDs are only further names of teams. */
function namesBeside(wanted: readonly string[], { names }: Reading): readonly string[] {
  const known = new Set(wanted.map((name) => name.toLowerCase()))
  return [...names].flatMap(([key, name]) => (known.has(key) || /^\d+$/.test(key) ? [] : name))
}

/** A membership in a team counts for its organization. */
function hasTeamOf(organization: string, { names }: Reading): boolean {
  return [...names.keys()].some((team) => team.startsWith(`${organization}/`))
}

/**
 * `/user/teams` does not contain the parents of nested teams, whose members include the user: they
 * are checked one by one.
 */
async function isMember(
  api: ProviderApi,
  team: string,
  username: string | undefined,
  organizations: Reading,
  teams: Reading,
): Promise<{ isMember: boolean; failure?: unknown }> {
  const [organization = '', slug] = team.split('/')
  if (teams.names.has(team)) return { isMember: true }
  if (slug === undefined || username === undefined || !organizations.names.has(organization))
    return { isMember: false }
  const segments = [organization, 'teams', slug, 'memberships', username]
  try {
    const path = `/orgs/${segments.map(encodeURIComponent).join('/')}`
    const { body } = await api.apiResponse(path, [403, 404])
    return { isMember: isObject(body) && body['state'] === 'active' }
  } catch (failure) {
    return { isMember: false, failure }
  }
}

function readTeams(api: ProviderApi): Promise<Reading> {
  return readNames(api, '/user/teams', teamNames)
}

async function readNames(
  { apiList }: ProviderApi,
  path: string,
  namesOf: (entry: Record<string, unknown>) => readonly string[],
): Promise<Reading> {
  const names = new Map<string, string>()
  try {
    const entries = await apiList(path, (page) => {
      for (const name of page.filter(isObject).flatMap(namesOf)) names.set(name.toLowerCase(), name)
    })
    // Beyond the page limit, an incomplete list must not decide.
    return { names: entries === undefined ? new Map() : names }
  } catch (failure) {
    return { names, failure }
  }
}

function organizationNames(entry: Record<string, unknown>): readonly string[] {
  return [asString(entry['login']) ?? []].flat()
}

function teamNames(entry: Record<string, unknown>): readonly string[] {
  const { organization, id } = entry
  const owner = isObject(organization) ? asString(organization['login']) : undefined
  const slug = asString(entry['slug'])
  if (owner === undefined || slug === undefined) return []
  return [`${owner}/${slug}`, ...(typeof id === 'number' ? [String(id)] : [])]
}

/**
 * The first failure that leaves open what the user is a member of. A response with 403 or 404
 * means: of nothing.
 */
function withoutDenied({ warn }: ProviderApi, failures: readonly unknown[]): unknown {
  const isDenied = (error: unknown): error is ProviderError =>
    error instanceof ProviderError && error.outcome === 'denied'
  for (const { hint } of failures.filter(isDenied)) warn(`memberships cannot be read: ${hint}`)
  return failures.find((failure) => failure !== undefined && !isDenied(failure))
}

/**
 * Without a SAML session of the user, GitHub leaves out organizations that require one, or responds
 * with 403.
 * https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#personal-access-tokens-and-saml-sso
 */
export function warningOf({ headers }: ApiResponse) {
  const header = headers.get('x-github-sso') ?? ''
  const [, kind] = /^(partial-results|required)\b/.exec(header) ?? []
  if (kind === undefined) return undefined
  const [, organizations] = /organizations=([\d,]{1,256})/.exec(header) ?? []
  return {
    message: `GitHub hides organizations that require SAML single sign-on (X-GitHub-SSO: ${kind}): rules on them are not met until the user signs in there and authorizes this app`,
    facts: organizations === undefined ? {} : { organizations },
  }
}
