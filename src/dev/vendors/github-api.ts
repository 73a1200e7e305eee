import { json, text } from './responses.js'
import { emails, organization, organizations, profile, team, teams } from './github-data.js'
import { bearerToken, type Exchange, type Route, type Vendor } from './vendor.js'
import type { VendorEndpoint, VendorResponse, VendorUser } from './types.js'

const scopeParents: Record<string, readonly string[]> = {
  'read:user': ['user'],
  'user:email': ['user'],
  'read:org': ['write:org', 'admin:org'],
  'write:org': ['admin:org'],
}

/** A wider scope replaces the narrower ones. */
export function normalizedScopes(scopes: readonly string[]): string[] {
  const wider = (scope: string) => scopeParents[scope] ?? []
  return [...new Set(scopes)]
    .filter((scope) => !wider(scope).some((parent) => scopes.includes(parent)))
    .sort()
}

/**
 * https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
 */
export const forbiddenWithoutUserAgent = text(
  403,
  'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
)

interface Caller {
  user: VendorUser
  may(...scopes: string[]): boolean
  headers: Record<string, string>
}

/** https://docs.github.com/en/rest */
export function githubApi(vendor: Vendor, root: string): Route[] {
  const get = (
    endpoint: VendorEndpoint,
    path: string,
    respond: (caller: Caller, exchange: Exchange) => VendorResponse,
  ): Route => ({
    endpoint,
    methods: ['GET'],
    path: root + path,
    respond: (exchange) => asCaller(exchange, vendor, respond),
  })
  const paged = (items: unknown[], { headers }: Caller, exchange: Exchange) =>
    page(items, headers, exchange, vendor)

  return [
    get('user', '/user', ({ user, headers }) => json(200, profile(user), headers)),
    get('emails', '/user/emails', (caller, exchange) =>
      caller.may('user:email', 'user')
        ? paged(emails(caller.user), caller, exchange)
        : json(404, { message: 'Not Found' }, caller.headers),
    ),
    get('orgs', '/user/orgs', (caller, exchange) => {
      const listed = organizations(caller.user).filter(
        ({ state, hidden }) => state !== 'pending' && !hidden,
      )
      // Without the scope, the list is empty and there is no error.
      return paged(caller.may('read:org', 'user') ? listed.map(organization) : [], caller, exchange)
    }),
    get('teams', '/user/teams', (caller, exchange) => {
      if (!caller.may('read:org', 'user', 'repo')) return forbidden(caller)
      const listed = teams(caller.user).filter(
        ({ state, inherited }) => state !== 'pending' && !inherited,
      )
      return paged(listed.map(team), caller, exchange)
    }),
    get('memberships', '/user/memberships/orgs', (caller, exchange) =>
      caller.may('read:org', 'user')
        ? paged(memberships(caller, exchange), caller, exchange)
        : forbidden(caller),
    ),
    get('teamMembership', '/orgs/{org}/teams/{slug}/memberships/{login}', teamMembership),
  ]
}

function asCaller(
  exchange: Exchange,
  vendor: Vendor,
  respond: (caller: Caller, exchange: Exchange) => VendorResponse,
): VendorResponse {
  const { request } = exchange
  if (!request.headers['user-agent']) return forbiddenWithoutUserAgent
  const token = bearerToken(request, ['bearer', 'token'])
  if (token === undefined) return json(401, { message: 'Requires authentication' })
  const found = vendor.grants.byAccessToken(token)
  if (!found) return json(401, { message: 'Bad credentials' })
  if (vendor.settings.throttled) return rateLimited()
  const { scopes } = found.grant
  const granted = normalizedScopes(scopes)
  const may = (...any: string[]) =>
    vendor.settings.githubApp ||
    any.some((scope) => scopes.includes(scope)) ||
    (any.includes('read:org') && /(write|admin):org/.test(granted.join()))
  return respond(
    { user: found.user, may, headers: { 'x-oauth-scopes': granted.join(', ') } },
    exchange,
  )
}

function rateLimited(): VendorResponse {
  const reset = Math.floor(Date.now() / 1000) + 60
  const headers = {
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(reset),
  }
  return json(403, { message: 'API rate limit exceeded for user ID 1.' }, headers)
}

function forbidden({ headers }: Caller): VendorResponse {
  return json(
    403,
    { message: 'You need at least read:org scope or user scope to list your organizations.' },
    headers,
  )
}

function page(
  items: unknown[],
  headers: Record<string, string>,
  { request }: Exchange,
  vendor: Vendor,
): VendorResponse {
  const { endlessPages, nextPageOrigin } = vendor.settings
  const perPage = Math.min(Math.max(Number(request.query.get('per_page') ?? 30) || 30, 1), 100)
  const number = Math.max(Number(request.query.get('page') ?? 1) || 1, 1)
  const last = Math.max(Math.ceil(items.length / perPage), 1)
  const start = (number - 1) * perPage
  const filler = (length: number) =>
    Array.from({ length }, (_, index) => items[index % items.length])
  const shown =
    endlessPages && items.length > 0 ? filler(perPage) : items.slice(start, start + perPage)

  const link = (to: number, rel: string) => {
    const url = new URL(request.url, nextPageOrigin ?? vendor.origin)
    url.searchParams.set('page', String(to))
    return `<${url.href}>; rel="${rel}"`
  }
  const hasNext = endlessPages || number < last
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev')] : []),
    ...(hasNext ? [link(number + 1, 'next'), link(endlessPages ? number + 1 : last, 'last')] : []),
    ...(number > 1 ? [link(1, 'first')] : []),
  ]
  return json(200, shown, { ...headers, ...(links.length > 0 ? { link: links.join(', ') } : {}) })
}

function memberships({ user }: Caller, { request }: Exchange): unknown[] {
  const wanted = request.query.get('state')
  return organizations(user)
    .filter(({ hidden, state = 'active' }) => !hidden && (wanted === null || state === wanted))
    .map((one) => ({
      state: one.state ?? 'active',
      role: 'member',
      organization: organization(one),
    }))
}

function teamMembership(caller: Caller, { path }: Exchange): VendorResponse {
  const same = (one: string, other: string | undefined) =>
    one.toLowerCase() === other?.toLowerCase()
  const { user } = caller
  const found = teams(user).find(
    ({ organization, slug }) => same(organization, path['org']) && same(slug, path['slug']),
  )
  const isSelf = same(user.username ?? `user-${user.id}`, path['login'])
  if (!found || !isSelf || !caller.may('read:org'))
    return json(404, { message: 'Not Found' }, caller.headers)
  return json(200, { state: found.state ?? 'active', role: 'member', url: '' }, caller.headers)
}
