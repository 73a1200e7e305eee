import { asUserId, identityFromClaims, isTrue } from '../oauth/claims.js'
import type { Claims, Identity } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isDomain } from '../access/email.js'
import type { Field, Values } from '../schema/field.js'
import { string } from '../schema/types.js'

/** Options of the provider `microsoft`. */
export interface MicrosoftOptions extends ProviderOptions {
  /** Accounts that may sign in: `'organizations'`, `'consumers'`, one tenant by its ID or domain, or all. Default `'common'`. */
  tenant?: string | undefined
  /**
   * Claim of the ID token that states whether the email address is verified: `'xms_edov'` if the app's manifest requests it.
   * Default: none.
   */
  verifiedEmailClaim?: string | undefined
}

/** Microsoft Entra ID and personal accounts. https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc */
export function microsoftProvider(options: MicrosoftOptions = {}): ProviderSetup {
  return providerSetup(options, fields, define)
}

const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The tenant of personal accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** What a scope of Microsoft Graph may start with: its URL in a national cloud, or its application ID. */
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
    .describe('Which accounts may sign in.'),
  verifiedEmailClaim: string({
    pattern: /^[A-Za-z0-9_]+$/,
    fix: "must be the name of a claim, as in 'xms_edov'",
    max: 64,
  }).describe('Claim of the ID token that states whether the email address is verified.'),
} satisfies Record<keyof Omit<MicrosoftOptions, keyof ProviderOptions>, Field>

function isTenant(tenant: string): boolean {
  return tenantId.test(tenant) || isDomain(tenant)
}

function define({ tenant, verifiedEmailClaim }: Values<typeof fields>): ProviderDefinition {
  const isOneTenant = isTenant(tenant)
  const base = `https://login.microsoftonline.com/${tenant}`
  return {
    displayName: 'Microsoft',
    color: '#2f2f2f',
    openid: true,
    issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    endpoints: {
      authorization: `${base}/oauth2/v2.0/authorize`,
      token: `${base}/oauth2/v2.0/token`,
      userinfo: 'https://graph.microsoft.com/oidc/userinfo',
      jwks: `${base}/discovery/v2.0/keys`,
      endSession: `${base}/oauth2/v2.0/logout`,
    },
    discoveryIssuer: (issuer) => issuer.replace('{tenantid}', tenant),
    // Only discovery maps a tenant's domain to its ID.
    needsDiscovery: isDomain(tenant),
    acceptsDiscovery: (discovered, expected) =>
      (discovered === expected && !isOneTenant) ||
      discovered === issuerOf(expected, idIn(discovered)),
    acceptsIssuer: (issuer, { tid }, discovered) =>
      isTenantId(tid) && issuer === issuerOf(discovered, tid) && issuer.includes(tid),
    // A key with `issuer` signs only for this issuer.
    acceptsKey: ({ issuer }, { iss, tid }) =>
      issuer === undefined ||
      (typeof issuer === 'string' && isTenantId(tid) && issuerOf(issuer, tid) === iss),
    clientAuth: 'post',
    scopes: ['openid', 'profile', 'email'],
    // `User.Read`, `user.read` and `https://graph.microsoft.com/User.Read` are the same scope.
    canonicalScope: (scope) => scope.replace(GRAPH_SCOPE, '').toLowerCase(),
    offline: { scopes: ['offline_access'] },
    reauthenticate: { prompt: 'login' },
    forcesLogin: true,
    selectAccount: { prompt: 'select_account' },
    requestConsent: { prompt: 'consent' },
    identity: identityOf({
      hasManyTenants: tenant === 'common' || tenant === 'organizations',
      isEmailVerified: emailCheck(verifiedEmailClaim, isOneTenant),
    }),
    restriction: ({ claims }) =>
      maySignIn(tenant, claims['tid']) ? undefined : 'the account belongs to another tenant',
    emailClaimDecides: verifiedEmailClaim !== undefined,
    ...(verifiedEmailClaim === undefined &&
      !isOneTenant && {
        emailNeverVerified:
          "every tenant can put any email address into its tokens. Set tenant to your own, or verifiedEmailClaim: 'xms_edov'",
      }),
  }
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

/** Within one tenant, its administrators control the addresses. */
function emailCheck(claim: string | undefined, isOneTenant: boolean) {
  return (claims: Claims) =>
    claim === undefined
      ? isOneTenant
      : isTrue(claims[claim]) || claims[claim] === 1 || claims[claim] === '1'
}

function identityOf({
  hasManyTenants,
  isEmailVerified,
}: {
  hasManyTenants: boolean
  isEmailVerified: (claims: Claims) => boolean
}) {
  return async ({ userinfo, claims: idTokenClaims }: ProviderApi): Promise<Identity> => {
    // Only the ID token contains `oid`, `tid` and `verifiedEmailClaim`.
    const claims = { ...(await userinfo()), ...idTokenClaims }
    const oid = asUserId(claims['oid'])
    const identity = identityFromClaims(claims)
    return {
      ...identity,
      id: hasManyTenants ? `${asUserId(claims['tid'])}.${oid}` : oid,
      emailVerified: identity.email !== undefined && isEmailVerified(claims),
      // Its URL requires the access token, so pages cannot show it.
      picture: undefined,
    }
  }
}
