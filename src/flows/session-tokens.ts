import type { Claims } from '../oauth/identity.js'
import type { TokenSet } from '../oauth/token-request.js'
import type { OpenSession, Tokens } from '../session/sessions.js'

/** A session and its tokens, decrypted. */
export interface SessionTokens {
  readonly session: OpenSession
  readonly tokens: Tokens
}

/** A session after a refresh. */
export interface RefreshedTokens extends SessionTokens {
  /** The claims of the new ID token, if there is one. */
  readonly claims: Claims | undefined
  /** The token response. */
  readonly response: Claims
}

/** The tokens after a refresh: a response without a refresh token or ID token keeps the old one. */
export function withNewTokens(
  old: Tokens,
  { accessToken, refreshToken, idToken }: Pick<TokenSet, keyof Tokens>,
): Tokens {
  return {
    accessToken,
    refreshToken: refreshToken ?? old.refreshToken,
    idToken: idToken ?? old.idToken,
  }
}
