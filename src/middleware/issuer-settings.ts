import { introspectionOf } from '../bearer/entry.js'
import type { IntrospectionConfig } from '../bearer/introspection.js'
import type { IssuerSettings } from '../bearer/issuer-metadata.js'
import type { Config } from '../options/config.js'

/** How an issuer of access tokens is reached: what its entries of `bearer.issuers` say together. */
export function issuerSettings(
  issuer: string,
  { bearer, providers, timeouts }: Pick<Config, 'bearer' | 'providers' | 'timeouts'>,
): IssuerSettings {
  const entries = bearer?.issuers.filter((entry) => entry.issuer === issuer) ?? []
  // Where the provider is reached, its tokens are verified.
  const provider = providers.find(
    (one) => one.issuer === issuer && entries.some((entry) => entry.provider === one.name),
  )
  const [jwks = provider?.endpoints?.jwks] = entries.flatMap(
    ({ endpoints }) => endpoints?.jwks ?? [],
  )
  return {
    issuer,
    jwks,
    insecureHttp:
      provider?.insecureHttp === true || entries.some(({ insecureHttp }) => insecureHttp),
    timeoutMs: timeouts.providerMs,
  }
}

/** How an issuer checks opaque tokens: each way once. */
export function introspectionsOf(
  issuer: string,
  { bearer, providers }: Pick<Config, 'bearer' | 'providers'>,
): readonly IntrospectionConfig[] {
  const configs = (bearer?.issuers ?? [])
    .filter((entry) => entry.issuer === issuer)
    .flatMap(
      (entry) =>
        introspectionOf(
          entry,
          providers.find(({ name }) => name === entry.provider),
        ) ?? [],
    )
  return [...new Map(configs.map((config) => [JSON.stringify(config), config])).values()]
}
