import { ProviderError } from '../http/errors.js'
import { ruleFields, type RuleSetWith } from '../access/rules.js'
import { identityFromClaims, asUserId, asObject, asString } from '../oauth/claims.js'
import type { ApiResponse, ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { memberships, warningOf } from './github-memberships.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isObject } from '../http/json.js'
import type { Field, Values } from '../schema/field.js'
import { url } from '../schema/types.js'

/** Options of the provider `github`. */
export interface GithubOptions extends ProviderOptions {
  /** Rule sets, each of which must be met; within one set, the lists are alternatives. */
  allOf?: readonly RuleSetWith<'organizations' | 'teams'>[] | undefined
  /** Members of one of these organizations (slugs) may pass. */
  organizations?: readonly string[] | undefined
  /** Members of one of these teams may pass: `organization/team-slug`, or the team's numeric ID. */
  teams?: readonly string[] | undefined
  /** URL of a GitHub Enterprise Server. Default: `https://github.com`. */
  baseUrl?: string | undefined
}

/**
 * GitHub, or a GitHub Enterprise Server. Use the factory for a second GitHub provider next to
 * `github`. https://docs.github.com/en/apps/oauth-apps
 *
 * ```ts
 * oauthModule({
 *   provider: {
 *     github: { clientId, clientSecret, organizations: ['acme'] },
 *     enterprise: githubProvider({ baseUrl: 'https://ghe.acme.example', clientId, clientSecret }),
 *   },
 * })
 * ```
 */
export function githubProvider(options: GithubOptions = {}): ProviderSetup {
  return providerSetup(options, fields, define)
}

const fields = {
  organizations: ruleFields.organizations,
  teams: ruleFields.teams,
  baseUrl: url().describe('URL of a GitHub Enterprise Server.'),
} satisfies Record<keyof Omit<GithubOptions, keyof ProviderOptions>, Field>

/**
 * https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#available-scopes
 */
const impliedScopes = {
  user: ['read:user', 'user:email', 'user:follow'],
  repo: ['public_repo', 'repo:status', 'repo_deployment', 'repo:invite', 'security_events'],
  project: ['read:project'],
  codespace: ['codespace:secrets'],
  'write:packages': ['read:packages'],
  ...levels('org', 'repo_hook', 'public_key', 'gpg_key', 'ssh_signing_key'),
}

/** `admin:` includes `write:`, and `write:` includes `read:`. */
function levels(...names: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`admin:${name}`, [`write:${name}`]],
      [`write:${name}`, [`read:${name}`]],
    ]),
  )
}

function define({ baseUrl }: Values<typeof fields>): ProviderDefinition {
  const base = new URL(baseUrl ?? 'https://github.com').href.replace(/\/$/, '')
  return {
    displayName: 'GitHub',
    mark: 'github',
    openid: false,
    issuer: `${base}/login/oauth`,
    endpoints: {
      authorization: `${base}/login/oauth/authorize`,
      token: `${base}/login/oauth/access_token`,
      api: baseUrl === undefined ? 'https://api.github.com' : `${base}/api/v3`,
    },
    configurableEndpoints: ['authorization', 'token', 'api'],
    clientAuth: 'post',
    supportsFormPost: false,
    scopes: ['read:user', 'user:email'],
    membershipScopes: ['read:org'],
    impliedScopes,
    canonicalScope: (scope) => scope.toLowerCase(),
    // The permissions of a GitHub App replace scopes: its tokens, which start with `ghu_`, never
    // list any.
    reportsGrantedScopes: ({ access_token: token }) => !asString(token)?.startsWith('ghu_'),
    // GitHub has no parameter that requires the password again.
    reauthenticate: { prompt: 'select_account' },
    selectAccount: { prompt: 'select_account' },
    outcomeOf,
    warningOf,
    identity,
    hasGithubHeaders: true,
    membershipLists: ['organizations', 'teams'],
    memberships,
    revoke: async ({ apiResponse, accessToken, client }) => {
      const basic = Buffer.from(`${client.id}:${client.secret ?? ''}`).toString('base64')
      const request = {
        method: 'DELETE',
        headers: { authorization: `Basic ${basic}` },
        body: { access_token: accessToken },
      } as const
      await apiResponse(`/applications/${encodeURIComponent(client.id)}/token`, [404, 422], request)
    },
  }
}

/**
 * Rate limits have status 403 or 429; a 403 without these headers is a withdrawn permission.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function outcomeOf({ status, headers }: ApiResponse) {
  const isLimited = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
  return (status === 403 || status === 429) && isLimited ? 'throttled' : undefined
}

/**
 * `email` of `/user` is the public address; only `/user/emails` contains which address is primary
 * and verified.
 */
async function identity({ api, apiList }: ProviderApi) {
  const [profile, emails] = await Promise.all([api('/user').then(asObject), readEmails(apiList)])
  const primary = emails.entries.find(
    (entry) => entry['primary'] === true && entry['verified'] === true,
  )
  const id = asUserId(profile['id'])
  if (!/^\d+$/.test(id))
    throw new ProviderError('unusable', 'provider_error', {
      hint: 'GitHub returned an id that is not a number',
    })
  return {
    ...identityFromClaims({ ...profile, sub: id }),
    name: asString(profile['name']) ?? asString(profile['login']),
    username: asString(profile['login']),
    email: asString(primary?.['email']),
    emailVerified: primary !== undefined,
    picture: asString(profile['avatar_url']),
    claims: profile,
    incomplete: emails.failure,
  }
}

interface Emails {
  readonly entries: readonly Record<string, unknown>[]
  /** Why some may be missing. */
  readonly failure?: unknown
}

/**
 * None if the scopes of the OAuth App, or the permissions of the GitHub App, do not include email
 * addresses.
 */
async function readEmails(apiList: ProviderApi['apiList']): Promise<Emails> {
  const entries: Record<string, unknown>[] = []
  try {
    await apiList('/user/emails', (page) => entries.push(...page.filter(isObject)))
    return { entries }
  } catch (failure) {
    const isDenied = failure instanceof ProviderError && failure.outcome === 'denied'
    return isDenied ? { entries } : { entries, failure }
  }
}
