import { createCache } from '../http/create-cache.js'
import type { OAuthError } from '../http/errors.js'
import { OpenToken, type WatchedToken } from './open-token.js'

/** A socket, or the response of a stream of events. */
interface Closable {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}

/** So many tokens are checked at the same time after a change: each may cause a request. */
const CONCURRENCY = 8
const MAX_CHANGED_USERS = 10_000

/** The signals of requests with an access token. They outlive a configuration. */
export class TokenSignals {
  readonly #byConnection = new WeakMap<Closable, Set<OpenToken>>()
  readonly #byUser = new Map<string, Set<OpenToken>>()
  /** Users who were blocked while a signal of theirs may not have been read yet. */
  readonly #changed = createCache<true>({ max: MAX_CHANGED_USERS })

  /**
   * A signal that aborts when the token expires, when it is no longer valid, or when the rules deny
   * its user, which is checked once a minute and after every change that this process learns of. It
   * is watched until the connection closes.
   */
  open(token: WatchedToken, connection: Closable): AbortSignal {
    const open = new OpenToken(token, () => this.#forget(open, connection))
    if (connection.closed) open.stop()
    else {
      const { userKey } = token
      this.#byUser.set(userKey, (this.#byUser.get(userKey) ?? new Set()).add(open))
      this.#openOn(connection).add(open)
      // The token was verified before the app read its signal.
      if (token.isOutdated() || this.#changed.has(userKey)) void open.check()
    }
    return open.signal
  }

  /** Checks the tokens of a user at once. */
  async checkUser(userKey: string): Promise<void> {
    await checkAll([...(this.#byUser.get(userKey) ?? [])])
  }

  /** Ends the signals of a user, whose tokens were issued before. Milliseconds. */
  abortUser(userKey: string, reason: OAuthError, before = Number.POSITIVE_INFINITY): void {
    this.#changed.set(userKey, true)
    for (const open of [...(this.#byUser.get(userKey) ?? [])])
      if (open.issuedAt <= before) open.abort(reason)
  }

  /** Checks all tokens: the rules may have changed. */
  async checkAll(): Promise<void> {
    await checkAll(this.#all())
  }

  /** Ends all timers. */
  close(): void {
    for (const open of this.#all()) open.stop()
  }

  #all(): readonly OpenToken[] {
    return [...this.#byUser.values()].flatMap((tokens) => [...tokens])
  }

  /** One listener for each connection: many requests may share it. */
  #openOn(connection: Closable): Set<OpenToken> {
    const known = this.#byConnection.get(connection)
    if (known !== undefined) return known
    const tokens = new Set<OpenToken>()
    this.#byConnection.set(connection, tokens)
    connection.once('close', () => {
      for (const open of [...tokens]) open.stop()
    })
    return tokens
  }

  #forget(open: OpenToken, connection: Closable): void {
    const tokens = this.#byUser.get(open.userKey)
    tokens?.delete(open)
    if (tokens?.size === 0) this.#byUser.delete(open.userKey)
    this.#byConnection.get(connection)?.delete(open)
  }
}

async function checkAll(tokens: readonly OpenToken[]): Promise<void> {
  const waiting = tokens.values()
  const work = async () => {
    for (const open of waiting) await open.check()
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
}
