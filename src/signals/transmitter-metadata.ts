import { isObject } from '../http/json.js'
import { asString, asStrings } from '../oauth/claims.js'
import { providerError } from '../oauth/provider-errors.js'
import { isEndpointOf, isSameIssuer } from './issuer.js'

/** What a transmitter publishes about itself. (SSF 1.0, 7.1) */
export interface TransmitterMetadata {
  /** `iss` of its tokens. */
  readonly issuer: string
  readonly jwksUri: string | undefined
  readonly configurationEndpoint: string | undefined
  readonly statusEndpoint: string | undefined
  readonly verificationEndpoint: string | undefined
  readonly criticalMembers: readonly string[]
  /** Whether the transmitter is older than SSF, and may not state the type of its tokens. */
  readonly isLegacy: boolean
}

/** The URLs of the metadata: the current one, and that of earlier drafts. (SSF 1.0, 7.2) */
export function metadataUrls(issuer: string): readonly [current: string, legacy: string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const urlOf = (name: string) => `${origin}/.well-known/${name}-configuration${path}`
  return [urlOf('ssf'), urlOf('risc')]
}

/** Validates metadata. Throws a `ProviderError` if it is not that of the issuer. (SSF 1.0, 7.2.4) */
export function readMetadata(
  document: unknown,
  expected: string,
  isLegacy: boolean,
): TransmitterMetadata {
  const issuer = isObject(document) ? asString(document['issuer']) : undefined
  if (!isObject(document) || issuer === undefined || !isSameIssuer(issuer, expected))
    throw providerError(
      'owner',
      `the metadata of the transmitter has another issuer than ${JSON.stringify(expected)}: is the option issuer right?`,
    )
  const urlOf = (name: string) => {
    const url = asString(document[name])
    if (url === undefined || isEndpointOf(expected, url)) return url
    throw providerError('unusable', `the ${name} of the transmitter is not an https URL`)
  }
  return {
    issuer,
    jwksUri: urlOf('jwks_uri'),
    configurationEndpoint: urlOf('configuration_endpoint'),
    statusEndpoint: urlOf('status_endpoint'),
    verificationEndpoint: urlOf('verification_endpoint'),
    criticalMembers: asStrings(document['critical_subject_members']),
    isLegacy,
  }
}
