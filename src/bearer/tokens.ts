import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { type Authorize, isAuthorized } from '../access/authorize.js'
import type { Denial } from '../access/policy.js'
import { BLOCKED } from '../flows/unless-blocked.js'
import { createCache } from '../http/create-cache.js'
import { ProviderError } from '../http/errors.js'

import { sha256 } from '../http/ids.js'
import { singleFlight } from '../http/single-flight.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import type { Awaitable } from '../session/stores/store.js'
import { checkTokenFormat } from './read-token.js'
import { TokenApi } from './token-api.js'
import { scopesOf } from './token-claims.js'
import { TokenError } from './token-kind.js'
import type { CheckedToken, TokenSources } from './token-sources.js'
import { VerifiedToken } from './verified-token.js'

/** A result is used for no longer than this, so that a revocation takes effect. (RFC 7662, 4) */
const MAX_AGE_MS = 60_000
/** Characters of all tokens in memory together: at most 32,000 tokens. */
const MAX_SIZE = 32 * 1024 * 1024
/** The same token that is not valid causes one request to its issuer in this time. */
const REJECTION_MS = 10_000
const MAX_REJECTIONS = 10_000

/** What {@link Tokens} depends on. */
export interface TokensDeps {
  readonly sources: TokenSources
  readonly blockedUsers: BlockedUsers
  readonly authorize: Authorize | undefined
  readonly clockToleranceMs: number
  /** For the hooks that read the user from the claims. */
  readonly timeoutMs: number
}

/** A verified token, and why its user may not pass. */
export interface TokenResult {
  readonly token: VerifiedToken
  readonly denial?: Denial | undefined
}

/**
 * Verifies access tokens and evaluates the rules for their users. Repeated tokens are found by
 * their hash, so that the process keeps none of them.
 */
export class Tokens {
  readonly #deps: TokensDeps
  readonly #known = new LRUCache<string, VerifiedToken>({
    maxSize: MAX_SIZE,
    sizeCalculation: ({ size }) => size,
  })
  readonly #rejected = createCache<TokenError>({ max: MAX_REJECTIONS, ttl: REJECTION_MS })
  readonly #pending = new Map<string, Promise<VerifiedToken>>()

  constructor(deps: TokensDeps) {
    this.#deps = deps
  }

  /**
   * The token and its user. Throws a {@link TokenError} for a token that is not valid, and an
   * `OAuthError` if that cannot be determined. Synchronous for a known token, if the store is, and
   * if there is no `authorize`. `address` is that of the client, if it is known.
   */
  authenticate(
    given: string,
    req: IncomingMessage,
    address: () => string | undefined,
  ): Awaitable<TokenResult> {
    const key = sha256(given)
    const known = this.#known.get(key)
    const now = Date.now()
    if (known !== undefined && now < known.facts.validUntil && now >= known.facts.verifiedAt)
      return this.#decide(known, req)
    return this.#verify(given, key, req, address()).then((token) => this.#decide(token, req))
  }

  /** Tokens of this user are verified again, which may ask their issuer. */
  forgetUser(userKey: string): void {
    for (const [key, { profile }] of this.#known.entries())
      if (profile.key === userKey) this.#known.delete(key)
  }

  /** The lists decided when the token was verified; everything else is decided at each request. */
  #decide(token: VerifiedToken, req: IncomingMessage): Awaitable<TokenResult> {
    const { decision } = token.facts
    if (!decision.isAllowed) return { token, denial: decision }
    const isBlocked = this.#deps.blockedUsers.isBlocked(token.profile.key)
    if (isBlocked instanceof Promise)
      return isBlocked.then((result) => this.#authorize(token, req, result))
    return this.#authorize(token, req, isBlocked)
  }

  #authorize(
    token: VerifiedToken,
    req: IncomingMessage,
    isBlocked: boolean,
  ): Awaitable<TokenResult> {
    const { authorize } = this.#deps
    if (isBlocked) return { token, denial: BLOCKED }
    if (authorize === undefined) return { token }
    return isAuthorized(authorize, token.user(), req).then((isAllowed) =>
      isAllowed
        ? { token }
        : { token, denial: { isAllowed: false, code: 'not_authorized', tried: [] } },
    )
  }

  #verify(
    given: string,
    key: string,
    req: IncomingMessage,
    address: string | undefined,
  ): Promise<VerifiedToken> {
    return singleFlight(this.#pending, key, async () => {
      const rejected = this.#rejected.get(key)
      if (rejected !== undefined) throw rejected
      checkTokenFormat(given)
      try {
        const checked = await this.#deps.sources.check(given, address)
        const token = await this.#evaluate(checked, key, req)
        this.#known.set(key, token)
        return token
      } catch (error) {
        if (error instanceof TokenError) this.#rejected.set(key, error)
        throw error
      }
    })
  }

  async #evaluate(
    { claims, client, entry }: CheckedToken,
    key: string,
    req: IncomingMessage,
  ): Promise<VerifiedToken> {
    const { timeoutMs, clockToleranceMs } = this.#deps
    const scopes = scopesOf(claims)
    const api = new TokenApi(claims, scopes, timeoutMs, client.log)
    const verifiedAt = Date.now()
    const evaluation = await entry.evaluator.evaluate(api, req).catch(asTokenError)
    entry.evaluator.evaluateReportOnly(evaluation, api, req)
    const { user, decision } = evaluation
    const expiresAt = millisecondsOf(claims['exp'])
    const expiry = expiresAt === undefined ? Infinity : expiresAt + clockToleranceMs
    return new VerifiedToken({
      ...{ key, user, decision, scopes, expiresAt, verifiedAt },
      trustsEmail: entry.trustsEmail,
      issuedAt: millisecondsOf(claims['iat']),
      authenticatedAt: millisecondsOf(claims['auth_time']),
      validUntil: Math.min(expiry, verifiedAt + MAX_AGE_MS),
    })
  }
}

/** Claims that do not describe a user are the fault of the token. */
function asTokenError(error: unknown): never {
  if (error instanceof ProviderError && error.outcome !== 'down')
    throw new TokenError(error.hint ?? 'the claims of the token do not describe a user', {
      isForOwner: true,
    })
  throw error
}

function millisecondsOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined
}
