import type { Provider } from '../access/provider.js'
import { hasRules, rulesOf } from '../access/rules.js'
import type { Mistakes } from '../schema/field.js'
import { nearest } from '../schema/suggestions.js'
import { introspectionOf } from './entry.js'
import type { BearerConfig, BearerIssuerConfig } from './fields.js'
import { hasTenants, isGoogle } from './issuers.js'

/** Checks the option `bearer`, if it is set, together with the providers. */
export function checkBearer(
  bearer: BearerConfig | undefined,
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  const { issuers = [] } = bearer ?? {}
  const list = mistakes.at('issuers')
  for (const [index, entry] of issuers.entries()) {
    const at = list.item(index)
    if (entry.provider === undefined) checkOwnLists(entry, providers, at)
    else checkProviderEntry(entry, entry.provider, providers, at)
    checkIntrospection(entry, providers, at)
    const others = issuers.slice(0, index).filter(({ issuer }) => issuer === entry.issuer)
    checkSameServer(entry, others, providers, at)
    if (others.some((earlier) => sharesTokens(earlier, entry)))
      at.at('audience').add(
        'repeats an audience of an earlier entry for the same issuer: each token must belong to one entry',
      )
  }
  checkNames(issuers, providers, list)
}

/** A token must not pass where every login is checked by a list. */
function checkOwnLists(
  entry: BearerIssuerConfig,
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  const restricted = providers.find(({ rules }) => hasRules(rules))
  if (hasRules(rulesOf(entry)) || restricted === undefined) return
  mistakes.add(
    `has neither lists nor a provider, so every token of this issuer would pass, although logins at ${restricted.name} are restricted: add emailAddresses, emailDomains, groups or allOf, or name the provider whose lists apply, as in provider: '${restricted.name}'`,
  )
}

function checkProviderEntry(
  entry: BearerIssuerConfig,
  name: string,
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  const names = providers.map((provider) => provider.name)
  const provider = providers.find((one) => one.name === name)
  if (provider === undefined) {
    const meant = nearest(name, names)
    const fix = meant === undefined ? `must be one of ${names.join(', ')}` : `: write ${meant}`
    return mistakes.at('provider').add(`is not the name of a provider, ${fix}`.replace(', :', ':'))
  }
  if (hasRules(rulesOf(entry)))
    mistakes.add(
      'has lists and a provider: leave out one of them, or add the lists to the provider',
    )
  if (entry.groupsClaim !== undefined)
    mistakes
      .at('groupsClaim')
      .add('has no effect with provider: the provider reads the groups as at a login')
  if (!provider.openid)
    return mistakes
      .at('provider')
      .add(
        `cannot be ${name}: its users are described by its API, and not by tokens. Give the entry its own lists`,
      )
  if (!isOwnIssuer(entry, provider) && entry.idClaim === undefined)
    mistakes
      .at('provider')
      .add(
        `is ${name}, which has another issuer: users of two issuers must not be confused. Set issuer to that of the provider, or idClaim to the claim that contains the ID that users have at ${name}`,
      )
}

/**
 * The issuers of Microsoft depend on tenant and version, and `oid` identifies a user in all of
 * them.
 */
function isOwnIssuer({ issuer }: BearerIssuerConfig, provider: Provider): boolean {
  return provider.issuer === issuer || hasTenants(provider.issuer ?? '')
}

function checkIntrospection(
  { issuer, introspection, provider: name }: BearerIssuerConfig,
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  if (introspection === undefined) return
  const at = mistakes.at('introspection')
  const { clientId, clientSecret } = introspection
  if ((clientId === undefined) !== (clientSecret === undefined))
    return at.add('needs both clientId and clientSecret, or neither')
  if (clientId !== undefined || isGoogle(issuer)) return
  const provider = providers.find((one) => one.name === name)
  if (provider?.clientSecret !== undefined && provider.clientAuth !== 'private_key_jwt') return
  at.add('needs clientId and clientSecret of a client that may introspect tokens')
}

/** All entries of an issuer share its keys and its introspection: only then is the audience known. */
function checkSameServer(
  entry: BearerIssuerConfig,
  others: readonly BearerIssuerConfig[],
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  const differs = (valueOf: (one: BearerIssuerConfig) => unknown) => {
    const value = JSON.stringify(valueOf(entry))
    const values = others.map((one) => JSON.stringify(valueOf(one)))
    return value !== undefined && values.some((one) => one !== undefined && one !== value)
  }
  const fix = 'differs from that of an earlier entry for the same issuer: use the same for all'
  if (differs(({ endpoints }) => endpoints?.jwks)) mistakes.at('endpoints').at('jwks').add(fix)
  const providerOf = (name: string | undefined) => providers.find((one) => one.name === name)
  if (!isGoogle(entry.issuer) && differs((one) => introspectionOf(one, providerOf(one.provider))))
    mistakes.at('introspection').add(fix)
}

function sharesTokens(earlier: BearerIssuerConfig, entry: BearerIssuerConfig): boolean {
  return earlier.audience.some((audience) => entry.audience.includes(audience))
}

/**
 * Users have the keys `provider:id` and `issuer:id`. A name that continues another one after a
 * colon could produce the same key.
 */
function checkNames(
  issuers: readonly BearerIssuerConfig[],
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  const own = issuers.flatMap(({ issuer, provider }) => (provider === undefined ? [issuer] : []))
  const names = [...providers.map(({ name }) => name), ...own]
  for (const [index, { issuer, provider }] of issuers.entries())
    if (provider === undefined && names.some((name) => issuer.startsWith(`${name}:`)))
      mistakes
        .item(index)
        .at('issuer')
        .add(
          'continues the name of a provider, or another issuer, after a colon: their users could get the same key. Name a provider for one of them, or rename the provider',
        )
}
