import type { ProviderDefinition } from '../oauth/definition.js'
import type { Mistakes } from '../schema/field.js'
import { printable } from '../schema/suggestions.js'
import { type CommonValues, endpointNames, HTTPS_FIX, isProviderUrl } from './common-fields.js'

/** Issuer and endpoints of a definition, after those that the options replace. */
export function resolveEndpoints(
  { endpoints: configured, insecureHttp }: CommonValues,
  definition: ProviderDefinition,
  mistakes: Mistakes,
): Pick<ProviderDefinition, 'issuer' | 'endpoints'> {
  const known =
    definition.configurableEndpoints ??
    endpointNames.filter((name) => definition.openid || name !== 'issuer')
  const names = endpointNames.filter((name) => configured?.[name] !== undefined)
  for (const name of names)
    if (!known.includes(name))
      mistakes
        .at('endpoints')
        .add(`has an unknown option ${printable(name)}; known are ${known.join(', ')}`)
  const { issuer, ...endpoints } = Object.fromEntries(
    names.map((name) => [name, configured?.[name]]),
  )
  // Another issuer has other endpoints: they are discovered there.
  const inherited = issuer === undefined || !definition.openid ? definition.endpoints : {}
  const result = { issuer: issuer ?? definition.issuer, endpoints: { ...inherited, ...endpoints } }
  // All other URLs are options, which were checked before.
  if (definition.issuer !== undefined && !isProviderUrl(definition.issuer, insecureHttp))
    mistakes.at('issuer').add(HTTPS_FIX)
  // With an issuer, discovery finds what is missing.
  if (result.issuer === undefined) checkComplete(result.endpoints, definition, mistakes)
  return result
}

function checkComplete(
  endpoints: NonNullable<ProviderDefinition['endpoints']>,
  { openid, identity }: ProviderDefinition,
  mistakes: Mistakes,
): void {
  const required = ['authorization', 'token', ...(openid ? (['jwks'] as const) : [])] as const
  for (const name of required)
    if (endpoints[name] === undefined)
      mistakes.at('endpoints').at(name).add('is missing: set it, or issuer for discovery')
  if (!openid && identity === undefined && endpoints.userinfo === undefined)
    mistakes.at('identity').add('is missing: set it, or endpoints.userinfo, to read the user')
}
