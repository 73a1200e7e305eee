/**
 * Hosts of Microsoft Entra ID, also those of national clouds and of the first version of its
 * endpoints.
 */
const MICROSOFT_HOST =
  /^(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|login\.windows\.net|sts\.windows\.net)$/

/** How to do without discovery. */
export const ENDPOINTS_FIX =
  'set endpoints: { authorization, token and jwks, and userinfo and endSession if there are any }'

/** What to do about a discovery document with another issuer than the configured one. */
export function issuerFix(discovered: unknown, expected: string): string {
  if (typeof discovered !== 'string') return 'it is not that of an OpenID Connect provider'
  if (discovered.includes('{') || isMicrosoft(discovered) || isMicrosoft(expected))
    return 'with Microsoft Entra ID, use the provider microsoft and its option tenant'
  const exactly = `set the option issuer to exactly ${JSON.stringify(discovered.slice(0, 200))}`
  if (withoutSlash(discovered) === withoutSlash(expected)) return exactly
  return `${exactly}. If that issuer has no separate discovery document, as with Azure AD B2C, or if this server cannot reach it, also ${ENDPOINTS_FIX}, as in the document`
}

/**
 * The option `tenant` of the provider `microsoft` for an issuer that several tenants share;
 * `undefined` for any other issuer. The ID tokens of such an issuer name the tenant of the user.
 */
export function sharedMicrosoftTenant(issuer: string): string | undefined {
  if (!isMicrosoft(issuer)) return undefined
  const [, tenant = ''] = decodeURI(new URL(issuer).pathname).toLowerCase().split('/')
  if (tenant.startsWith('{')) return 'common'
  return ['common', 'organizations', 'consumers'].includes(tenant) ? tenant : undefined
}

function isMicrosoft(issuer: string): boolean {
  return URL.canParse(issuer) && MICROSOFT_HOST.test(new URL(issuer).hostname)
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '')
}
