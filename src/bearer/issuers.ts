import { withoutFinalSlashes } from '../http/paths.js'

/** Stands for the ID of the tenant in issuers of Microsoft. */
const TENANT = '{tenantid}'
const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether the issuer stands for those of many tenants. */
export function hasTenants(issuer: string): boolean {
  return issuer.includes(TENANT)
}

/** Whether a claim is the ID of a tenant of Microsoft. */
export function isTenantId(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID.test(value)
}

/** The issuer of a tenant. */
export function issuerOfTenant(issuer: string, tenant: string): string {
  return issuer.replace(TENANT, tenant)
}

/**
 * Google's access tokens are opaque, and a JWT from there is an ID token.
 * https://developers.google.com/identity/protocols/oauth2
 */
export function isGoogle(issuer: string): boolean {
  return /^https:\/\/accounts\.google\.com\/?$/.test(issuer)
}

/**
 * Whether the issuer only identifies jobs of CI: it has no authorization endpoint, so no client can
 * request a token there. https://docs.github.com/actions/concepts/security/openid-connect
 */
export function isGithubActions(issuer: string): boolean {
  const { hostname, pathname } = new URL(issuer)
  return (
    hostname === 'token.actions.githubusercontent.com' ||
    withoutFinalSlashes(pathname).endsWith('/_services/token')
  )
}
