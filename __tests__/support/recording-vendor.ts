import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { oidcProvider, type ProviderSetup } from '../../src/index.js'

export interface StartedVendor extends Pick<
  VendorServer,
  'origin' | 'respond' | 'claims' | 'revokeTokens' | 'close'
> {
  provider(more: Record<string, unknown>): ProviderSetup
  /** Every secret that went to the provider so far, and every token that the app showed there. */
  secrets(): string[]
}

/** An OpenID Connect provider whose log lists the secrets that it issued. */
export async function startRecordingVendor(clientSecret: string): Promise<StartedVendor> {
  const vendor = await startVendor('oidc', { clientSecret, settings: { issInCallback: false } })
  const { origin, respond, claims, revokeTokens, close } = vendor
  return {
    origin,
    respond,
    claims,
    revokeTokens,
    close,
    provider: (more) =>
      oidcProvider({
        issuer: String(vendor.options['issuer']),
        clientId: vendor.clientId,
        clientSecret,
        offlineAccess: true,
        ...more,
      }),
    secrets: () =>
      vendor.requests.flatMap(({ form = {}, headers }) => {
        const bearer = /^Bearer (.+)$/.exec(String(headers['authorization'] ?? ''))?.[1]
        return [
          form['code'],
          form['code_verifier'],
          form['refresh_token'],
          form['token'],
          bearer,
        ].flatMap((secret) => secret ?? [])
      }),
  }
}
