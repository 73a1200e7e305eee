import type { IncomingMessage } from 'node:http'
import { isAuthorized } from '../access/authorize.js'
import type { UserEvaluator } from '../access/evaluate-user.js'
import type { StoredDecision } from '../access/user.js'
import { createCache } from '../http/create-cache.js'
import type { Session } from '../session/session.js'
import type { OpenSession } from '../session/sessions.js'
import * as status from './check-status.js'

/** What {@link SessionDecisions} depends on. */
export interface SessionDecisionsDeps {
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly timing: status.CheckTiming
  /** Keys of sessions that no provider can check, because tests created them. */
  readonly uncheckedSessions: ReadonlySet<string>
}

const MAX_SESSIONS = 50_000

/** The stored decisions of sessions, as they count for the current rules and this process. */
export class SessionDecisions {
  readonly #deps: SessionDecisionsDeps
  /**
   * What `authorize` decided where another process or function has stored its decision. In memory:
   * if processes stored theirs in turn, each would call it at every request.
   */
  readonly #authorized = createCache<StoredDecision>({ max: MAX_SESSIONS })

  constructor(deps: SessionDecisionsDeps) {
    this.#deps = deps
  }

  /**
   * The decision of the current rules; `undefined` if they, or `authorize`, have not decided yet.
   */
  of({ key, record }: OpenSession): StoredDecision | undefined {
    const { fingerprint = '', authorizeId } = this.#evaluatorOf(record) ?? {}
    const stored = record.verdicts[fingerprint]
    if (stored === undefined || stored.decidedBy === authorizeId || !isAllowedByLists(stored))
      return stored
    if (authorizeId === undefined) return this.#ofLists(record)
    const known = this.#authorized.get(key)
    return known?.at === stored.at && known.decidedBy === authorizeId ? known : undefined
  }

  /** The stored decision of the current rules, whichever function or process decided it. */
  ofRules(record: Session): StoredDecision | undefined {
    return record.verdicts[this.fingerprint(record)]
  }

  /** The decisions of a session with a new one for the current rules. */
  withDecision(record: Session, decision: StoredDecision): Session['verdicts'] {
    return status.withDecision(record.verdicts, this.fingerprint(record), decision)
  }

  /** What a request of the session requires. */
  status(session: OpenSession, now: number): status.CheckStatus {
    const { timing } = this.#deps
    const decision = this.of(session)
    if (session.record.checkRequestedAt !== undefined) return this.#requestedStatus(session, now)
    if (this.#isUnchecked(session)) return decision?.allowed === false ? 'denied' : 'fresh'
    if (decision !== undefined) return status.checkStatus(decision, timing, now)
    const isDue = status.checkStatus(this.#ofLists(session.record), timing, now) === 'due'
    return isDue ? 'due' : 'authorize'
  }

  /**
   * Calls `authorize` on the user as last read, without the provider. Throws the error `internal`
   * if it fails.
   */
  async authorize(session: OpenSession, req: IncomingMessage): Promise<boolean> {
    const stored = this.ofRules(session.record)
    const { authorize, authorizeId: decidedBy } = this.#evaluatorOf(session.record) ?? {}
    if (stored === undefined || authorize === undefined) return false
    const allowed = await isAuthorized(authorize, session.user(), req)
    this.#authorized.set(session.key, { ...stored, allowed, decidedBy })
    return allowed
  }

  /** When the next check is due, in milliseconds; `undefined` if none is. */
  checkDueAt(session: OpenSession): number | undefined {
    if (this.#isUnchecked(session)) return undefined
    if (session.record.checkRequestedAt !== undefined) return session.record.checkRequestedAt
    return status.checkDueAt(this.ofRules(session.record), this.#deps.timing)
  }

  /** When requests of the session stop passing without a successful check, in milliseconds. */
  graceEndsAt({ record }: OpenSession): number {
    return status.graceEndsAt(this.ofRules(record), this.#deps.timing)
  }

  /** Whether requests of the session pass with its old decision while the provider is down. */
  isWithinGrace(session: OpenSession, now: number): boolean {
    // A signal has put the old decision in doubt.
    if (session.record.checkRequestedAt !== undefined) return false
    const decision = this.of(session) ?? this.#ofLists(session.record)
    return status.isWithinGrace(decision, this.#deps.timing, now)
  }

  /** Identifies the current rules for the session. */
  fingerprint(record: Session): string {
    return this.#evaluatorOf(record)?.fingerprint ?? ''
  }

  /** A signal requires a check. For a denied user, it waits for the pause between checks. */
  #requestedStatus(session: OpenSession, now: number): status.CheckStatus {
    const decision = this.of(session)
    if (this.#isUnchecked(session)) return decision?.allowed === false ? 'denied' : 'fresh'
    if (decision?.allowed !== false) return 'due'
    return status.checkStatus(decision, this.#deps.timing, now)
  }

  #isUnchecked({ key }: OpenSession): boolean {
    const { uncheckedSessions } = this.#deps
    return uncheckedSessions.size > 0 && uncheckedSessions.has(key)
  }

  /** The stored decision without that of `authorize`. */
  #ofLists(record: Session): StoredDecision | undefined {
    const stored = this.ofRules(record)
    return stored && { ...stored, allowed: isAllowedByLists(stored) }
  }

  #evaluatorOf({ user }: Session): UserEvaluator | undefined {
    return this.#deps.evaluators.get(user.provider)
  }
}

/** `authorize` is called only for users that the lists allow. */
function isAllowedByLists({ allowed, decidedBy }: StoredDecision): boolean {
  return allowed || decidedBy !== undefined
}
