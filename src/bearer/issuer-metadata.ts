import type { MetadataConfig } from '../oauth/discovery.js'
import type { Claims } from '../oauth/identity.js'
import { hasTenants, isTenantId, issuerOfTenant } from './issuers.js'

/** What is needed to reach an issuer of access tokens. */
export interface IssuerSettings {
  readonly issuer: string
  /** URL of the keys, if it is not discovered. */
  readonly jwks: string | undefined
  readonly insecureHttp: boolean
  readonly timeoutMs: number
}

/** How the metadata of an issuer is read. */
export function metadataConfig({ issuer, jwks, insecureHttp }: IssuerSettings): MetadataConfig {
  return {
    openid: true,
    issuer,
    insecureHttp,
    isTokenIssuer: true,
    ...(jwks !== undefined && { endpoints: { jwks } }),
    // https://learn.microsoft.com/entra/identity-platform/access-tokens#multitenant-applications
    ...(hasTenants(issuer) && {
      discoveryIssuer: (template: string) => issuerOfTenant(template, 'common'),
    }),
  }
}

/** A key of Microsoft with `issuer` signs only for this issuer. */
export function isKeyOfTenant({ issuer }: Claims, { iss, tid }: Claims): boolean {
  if (issuer === undefined) return true
  return typeof issuer === 'string' && isTenantId(tid) && issuerOfTenant(issuer, tid) === iss
}
