import type { Encrypter } from '../http/encryption.js'
import type { Session } from './session.js'

/** The tokens of a session, decrypted. */
export interface Tokens {
  /** Empty when the tokens can no longer be decrypted. */
  accessToken: string
  refreshToken: string | undefined
  idToken: string | undefined
}

/** The fields of a session that hold its tokens. */
export type TokenFields = Pick<Session, 'tokens' | 'headerTokens'>

/** Longer tokens would exceed the 16 KiB that Node accepts for the headers of a request. */
const MAX_HEADER_TOKEN_LENGTH = 8 * 1024

/** The tokens, encrypted with a key that is derived from the secret and the session ID. */
export function encryptTokens(encrypter: Encrypter, id: string, tokens: Tokens): TokenFields {
  return {
    tokens: encrypter.encrypt('tokens', JSON.stringify(tokens), id),
    headerTokens: headerTokensOf(tokens),
  }
}

/**
 * The tokens of the session. Empty if its secret is no longer configured: the session itself
 * remains valid.
 */
export function decryptTokens(encrypter: Encrypter, id: string, { tokens }: Session): Tokens {
  const json = encrypter.decrypt('tokens', tokens, id)
  if (json === undefined) return { accessToken: '', refreshToken: undefined, idToken: undefined }
  return JSON.parse(json) as Tokens
}

/**
 * The tokens as plain JSON, for a session that is encrypted as a whole: encrypting twice adds
 * length, not security.
 */
export function plainTokens(tokens: Tokens): TokenFields {
  return { tokens: JSON.stringify(tokens), headerTokens: headerTokensOf(tokens) }
}

/** Reads what {@link plainTokens} wrote. */
export function readPlainTokens({ tokens }: Session): Tokens {
  return JSON.parse(tokens) as Tokens
}

/** Which of the tokens are short enough for a request header. */
function headerTokensOf({ accessToken, refreshToken }: Tokens): Session['headerTokens'] {
  const fits = (token: string | undefined) =>
    token !== undefined && token.length <= MAX_HEADER_TOKEN_LENGTH
  return [
    ...(fits(accessToken) ? (['access'] as const) : []),
    ...(fits(refreshToken) ? (['refresh'] as const) : []),
  ]
}
