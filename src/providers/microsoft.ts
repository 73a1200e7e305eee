import type { Claims } from '../oauth/identity.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { userRules } from './microsoft-user.js'
import { memberships, objectIds } from './microsoft-groups.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isDomain } from '../access/email.js'
import type { RuleSetWith } from '../access/rules.js'
import type { Field, Values } from '../schema/field.js'
import { string } from '../schema/types.js'

/** Options of the provider `microsoft`. */
export interface MicrosoftOptions extends ProviderOptions {
  /** Rule sets, each of which must be met; within one set, the lists are alternatives. */
  allOf?: readonly RuleSetWith<'groups'>[] | undefined
  /**
   * Accounts that may sign in: `'organizations'`, `'consumers'`, one tenant by its ID or domain, or
   * all. Default `'common'`.
   */
  tenant?: string | undefined
  /**
   * Claim of the ID token that states whether the email address is verified: `'xms_edov'` if the
   * app's manifest requests it. Default: none.
   */
  verifiedEmailClaim?: string | undefined
  /**
   * Claim with the email address of accounts that have no `email`, which is that of the mailbox:
   * `'upn'` or `'preferred_username'`. Counts as verified only in a single tenant. Default: none.
   */
  emailClaim?: string | undefined
  /**
   * Members of one of these groups, given by their object IDs, may pass; members of nested groups
   * if there is an overage.
   */
  groups?: readonly string[] | undefined
}

/**
 * Microsoft Entra ID and personal accounts.
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
 */
export function microsoftProvider(options: MicrosoftOptions = {}): ProviderSetup {
  return providerSetup(options, fields, define)
}

const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The tenant of personal accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'

/**
 * What a scope of Microsoft Graph may start with: its URL in a national cloud, or its application
 * ID.
 */
const GRAPH_SCOPE =
  /^(?:https:\/\/(?:graph\.microsoft\.(?:com|us)|dod-graph\.microsoft\.us|microsoftgraph\.chinacloudapi\.cn)|00000003-0000-0000-c000-000000000000)\//i

const fields = {
  tenant: string({
    max: 253,
    check: (tenant) =>
      isTenant(tenant.toLowerCase()) ||
      ['common', 'organizations', 'consumers'].includes(tenant.toLowerCase())
        ? undefined
        : "must be 'common', 'organizations', 'consumers', or the ID or domain of a tenant",
    normalize: (tenant) => tenant.toLowerCase(),
  })
    .default('common')
    .rejectUndefined()
    .describe('Which accounts may sign in.'),
  verifiedEmailClaim: string({
    pattern: /^[A-Za-z0-9_]+$/,
    fix: "must be the name of a claim, as in 'xms_edov'",
    max: 64,
  })
    // Without it, the email addresses of a single tenant count as verified.
    .rejectUndefined()
    .describe('Claim of the ID token that states whether the email address is verified.'),
  emailClaim: string({
    pattern: /^[A-Za-z0-9_]+$/,
    fix: "must be the name of a claim, as in 'upn'",
    max: 64,
  }).describe('Claim with the email address of accounts without a mailbox.'),
  groups: objectIds,
} satisfies Record<keyof Omit<MicrosoftOptions, keyof ProviderOptions>, Field>

function isTenant(tenant: string): boolean {
  return tenantId.test(tenant) || isDomain(tenant)
}

function define({
  tenant,
  verifiedEmailClaim,
  emailClaim,
}: Values<typeof fields>): ProviderDefinition {
  const base = `https://login.microsoftonline.com/${tenant}`
  return {
    displayName: 'Microsoft',
    mark: 'microsoft',
    openid: true,
    issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    endpoints: {
      authorization: `${base}/oauth2/v2.0/authorize`,
      token: `${base}/oauth2/v2.0/token`,
      userinfo: 'https://graph.microsoft.com/oidc/userinfo',
      jwks: `${base}/discovery/v2.0/keys`,
      endSession: `${base}/oauth2/v2.0/logout`,
      api: 'https://graph.microsoft.com/v1.0',
    },
    ...issuerRules(tenant),
    clientAuth: 'post',
    scopes: ['openid', 'profile', 'email'],
    // `User.Read`, `user.read` and `https://graph.microsoft.com/User.Read` are the same scope.
    canonicalScope: (scope) => scope.replace(GRAPH_SCOPE, '').toLowerCase(),
    offline: { scopes: ['offline_access'] },
    reauthenticate: { prompt: 'login' },
    forcesLogin: true,
    selectAccount: { prompt: 'select_account' },
    requestConsent: { prompt: 'consent' },
    // Its codes have up to 2 KB, and come back in the same URL.
    maxStateLength: 4000,
    membershipLists: ['groups'],
    // Graph requires it to list the groups of the user.
    membershipScopes: ['User.Read'],
    memberships,
    restriction: ({ claims }) =>
      maySignIn(tenant, claims['tid']) ? undefined : 'the account belongs to another tenant',
    ...userRules({
      isOneTenant: isTenant(tenant),
      hasManyTenants: tenant === 'common' || tenant === 'organizations',
      verifiedEmailClaim,
      emailClaim,
    }),
  }
}

/** How issuers depend on the tenant. */
function issuerRules(tenant: string) {
  return {
    discoveryIssuer: (issuer: string) => issuer.replace('{tenantid}', tenant),
    // Only discovery maps a tenant's domain to its ID.
    needsDiscovery: isDomain(tenant),
    acceptsDiscovery: (discovered: string, expected: string) =>
      (discovered === expected && !isTenant(tenant)) ||
      discovered === issuerOf(expected, idIn(discovered)),
    acceptsIssuer: (issuer: string, { tid }: Claims, discovered: string) =>
      isTenantId(tid) && issuer === issuerOf(discovered, tid) && issuer.includes(tid),
    // A key with `issuer` signs only for this issuer.
    acceptsKey: ({ issuer }: Claims, { iss, tid }: Claims) =>
      issuer === undefined ||
      (typeof issuer === 'string' && isTenantId(tid) && issuerOf(issuer, tid) === iss),
  } satisfies Partial<ProviderDefinition>
}

function isTenantId(value: unknown): value is string {
  return typeof value === 'string' && tenantId.test(value)
}

function issuerOf(template: string, tid: string): string {
  return template.replace('{tenantid}', tid)
}

function idIn(issuer: string): string {
  return issuer.split('/').find(isTenantId) ?? ''
}

/** For a tenant given by its domain, the check of the issuer has already compared the tenant. */
function maySignIn(tenant: string, tid: unknown): boolean {
  if (tenant === 'organizations') return isTenantId(tid) && tid !== consumers
  if (tenant === 'consumers') return tid === consumers
  return tenantId.test(tenant) ? tid === tenant : isTenantId(tid)
}
