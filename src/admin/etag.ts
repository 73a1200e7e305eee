import { AdminError } from './errors.js'

/** Which state of a configuration a response describes. */
export interface ConfigurationState {
  readonly configVersion: number | undefined
  readonly version: number
}

const LIST = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e]*")*$/

/** The value of the header `ETag`. (RFC 9110, 8.8.3) */
export function etagOf({ configVersion = 0, version }: ConfigurationState): string {
  return `"${configVersion}.${version}"`
}

/**
 * Rejects a request whose `If-Match` does not list this state. Weak tags never match. (RFC 9110,
 * 13.1.1)
 */
export function checkIfMatch(ifMatch: string | undefined, state: ConfigurationState): void {
  const value = ifMatch?.trim()
  if (value === undefined || value === '*') return
  if (!LIST.test(value)) throw new AdminError('invalid_if_match', { field: 'If-Match' })
  const tags = value.split(',').map((tag) => tag.trim())
  if (!tags.includes(etagOf(state))) throw new AdminError('stale_version', { field: 'If-Match' })
}
