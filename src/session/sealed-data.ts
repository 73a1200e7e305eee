import type { Encrypter } from '../http/encryption.js'
import type { Claims } from '../oauth/identity.js'
import type { Session } from './session.js'

/** The tokens of a session. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
}

/**
 * The part of a session that is encrypted: neither the store nor the secret reveals it without the
 * session ID, which only the user's browser has.
 */
export interface SealedData extends Tokens {
  /** The claims or profile of the user. */
  readonly claims: Claims
  /** The `sub` of the ID token, if there is one. */
  readonly subject: string | undefined
  /** Claims of the ID token that remain true for the whole session: user, issuer and login. */
  readonly boundClaims: Claims
  /** The redirect URI of the login: some providers require it again when a token is refreshed. */
  readonly redirectUri: string
}

/** The fields of a session that depend on its sealed data. */
export type SealedFields = Pick<Session, 'sealed' | 'headerTokens'>

/** Longer tokens would exceed the 16 KiB that Node accepts for the headers of a request. */
const MAX_HEADER_TOKEN_LENGTH = 8 * 1024

/** Without a token, a session can only end: the fields of data that cannot be decrypted. */
const NO_DATA: SealedData = {
  accessToken: '',
  refreshToken: undefined,
  idToken: undefined,
  claims: {},
  subject: undefined,
  boundClaims: {},
  redirectUri: '',
}

/** Encrypts with a key that is derived from the secret and the session ID. */
export function seal(encrypter: Encrypter, id: string, data: SealedData): SealedFields {
  return {
    sealed: encrypter.encrypt('tokens', JSON.stringify(data), id),
    headerTokens: headerTokensOf(data),
  }
}

/** Reads what {@link seal} wrote. Without tokens if it was changed since. */
export function unseal(encrypter: Encrypter, id: string, { sealed }: Session): SealedData {
  const json = encrypter.decrypt('tokens', sealed, id)
  return json === undefined ? NO_DATA : (JSON.parse(json) as SealedData)
}

/**
 * The data as plain JSON, for a session that is encrypted as a whole: encrypting twice adds length,
 * not security.
 */
export function sealPlain(data: SealedData): SealedFields {
  return { sealed: JSON.stringify(data), headerTokens: headerTokensOf(data) }
}

/** Reads what {@link sealPlain} wrote. */
export function unsealPlain({ sealed }: Session): SealedData {
  return JSON.parse(sealed) as SealedData
}

const HEADER_TOKENS = {
  none: [],
  access: ['access'],
  refresh: ['refresh'],
  both: ['access', 'refresh'],
} as const satisfies Record<string, Session['headerTokens']>

/** Which of the tokens are short enough for a request header. Sessions share these arrays. */
function headerTokensOf({ accessToken, refreshToken }: Tokens): Session['headerTokens'] {
  const fits = (token: string | undefined) =>
    token !== undefined && token !== '' && token.length <= MAX_HEADER_TOKEN_LENGTH
  if (fits(accessToken)) return fits(refreshToken) ? HEADER_TOKENS.both : HEADER_TOKENS.access
  return fits(refreshToken) ? HEADER_TOKENS.refresh : HEADER_TOKENS.none
}
