import type { OfflineAccess } from '../access/provider.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { Mistakes } from '../schema/field.js'
import type { CommonValues } from './common-fields.js'
import { mergePrompts } from './request-params.js'

/** How logins request a refresh token; `undefined` if they do not. */
export function resolveOfflineAccess(
  { offlineAccess, authorizationParams = {} }: CommonValues,
  { offline }: ProviderDefinition,
  isDefault: boolean,
  mistakes: Mistakes,
): OfflineAccess | undefined {
  const wanted = offlineAccess ?? isDefault
  if (wanted === false || offline === undefined) return undefined
  const requestsConsent = wanted === 'consent'
  const { scopes = [], params = {} } = offline
  const merged = { ...params, ...authorizationParams }
  const { prompt } = merged
  // `none` must not be combined with other values. (OpenID Connect Core, 3.1.2.1)
  if (requestsConsent && prompt?.split(' ').includes('none'))
    return mistakes
      .at('offlineAccess')
      .add("cannot be 'consent' with prompt 'none' in authorizationParams, which shows no consent")
  return {
    scopes,
    params: requestsConsent ? { ...merged, prompt: mergePrompts(prompt, 'consent') } : merged,
    isExplicit: offlineAccess !== undefined,
    requestsConsent,
  }
}
