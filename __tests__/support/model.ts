/** Section 6 of the contract as a simple model: the responses, and the requests to the provider. */
export interface ModelOptions {
  /** Seconds. */
  interval: number
  grace: number
  isEarly: boolean
  inactivityTimeout: number
  maximumDuration: number
  tokenLifetime: number | undefined
}

export const outages = ['none', 'down', 'token down', 'throttled', 'owner'] as const
export type Outage = (typeof outages)[number]

export const rulesets = {
  acme: { emailDomains: ['acme.example'] },
  both: { emailDomains: ['acme.example', 'other.example'] },
  everyone: {},
}
type RulesetName = keyof typeof rulesets

interface Person {
  id: string
  email: string
}

interface ModelSession {
  user: string
  /** As last read. */
  email: string
  handle: string | undefined
  createdAt: number
  activeAt: number
  tokenEndsAt: number
  hasGrant: boolean
  verdicts: { rules: RulesetName; at: number; allowed: boolean }[]
  deniedSince: number | undefined
  pause: { until: number; outage: Outage } | undefined
}

interface Calls {
  token: number
  userinfo: number
}

type Checked = 'allowed' | 'denied' | 'ended' | Outage

const DAY = 86_400_000
const LONGEST = 400 * DAY

export function createModel(options: ModelOptions, people: Person[]) {
  const { interval, grace, inactivityTimeout, maximumDuration, tokenLifetime, isEarly } = options
  const sessions = new Map<number, ModelSession>()
  let rules: RulesetName = 'acme'
  let outage: Outage = 'none'
  let logins = 0

  const emailOf = (id: string) => people.find((person) => person.id === id)?.email ?? ''
  const mayPass = (email: string) => {
    const { emailDomains } = rulesets[rules] as { emailDomains?: string[] }
    return emailDomains === undefined || emailDomains.includes(email.split('@')[1] ?? '')
  }
  const isOver = (session: ModelSession, now: number) =>
    now >= session.createdAt + (maximumDuration * 1000 || LONGEST) ||
    (inactivityTimeout > 0 && now >= session.activeAt + inactivityTimeout * 1000) ||
    (session.deniedSince !== undefined && now >= session.deniedSince + DAY)
  const liveOf = (at: number, now: number) => {
    const session = sessions.get(at)
    if (session === undefined || !isOver(session, now)) return session
    sessions.delete(at)
    return undefined
  }
  const verdictOf = (session: ModelSession) =>
    session.verdicts.find((verdict) => verdict.rules === rules)
  const need = (session: ModelSession, now: number): 'none' | 'early' | 'now' | 'denied' => {
    const verdict = verdictOf(session)
    if (verdict === undefined) return 'now'
    const age = (now - verdict.at) / 1000
    if (!verdict.allowed) return age >= 5 ? 'now' : 'denied'
    if (interval === 0) return 'none'
    if (age >= interval) return 'now'
    return isEarly && interval >= 60 && age >= 0.8 * interval ? 'early' : 'none'
  }

  const refresh = (session: ModelSession, now: number, calls: Calls): 'ok' | 'ended' | Outage => {
    calls.token++
    if (outage === 'owner' || outage === 'token down') return outage
    if (!session.hasGrant) return 'ended'
    session.tokenEndsAt =
      tokenLifetime === undefined ? Number.POSITIVE_INFINITY : now + tokenLifetime * 1000
    return 'ok'
  }
  const ask = (session: ModelSession, now: number, calls: Calls): Checked => {
    if (now >= session.tokenEndsAt - 5000) {
      const refreshed = refresh(session, now, calls)
      if (refreshed !== 'ok') return refreshed
    }
    calls.userinfo++
    if (outage === 'down' || outage === 'throttled') return outage
    if (!session.hasGrant) {
      const refreshed = refresh(session, now, calls)
      if (refreshed !== 'ok') return refreshed
    }
    session.email = emailOf(session.user)
    const allowed = mayPass(session.email)
    const others = session.verdicts
      .filter((verdict) => verdict.rules !== rules)
      .sort((a, b) => b.at - a.at)
    session.verdicts = [{ rules, at: now, allowed }, ...others].slice(0, 2)
    session.deniedSince = allowed ? undefined : (session.deniedSince ?? now)
    session.pause = undefined
    return allowed ? 'allowed' : 'denied'
  }
  const check = (at: number, session: ModelSession, now: number, calls: Calls): Checked => {
    const checked = ask(session, now, calls)
    if (checked === 'ended') sessions.delete(at)
    else if (checked !== 'allowed' && checked !== 'denied')
      session.pause = { until: now + 6000, outage: checked }
    return checked
  }

  /** The response of a check that is due. */
  const settle = (
    at: number,
    session: ModelSession,
    now: number,
    calls: Calls,
    stranger: number,
  ): number => {
    const isPaused = session.pause !== undefined && now < session.pause.until
    const before = verdictOf(session)
    const checked =
      isPaused && session.pause ? session.pause.outage : check(at, session, now, calls)
    if (checked === 'allowed') return 200
    if (checked === 'denied') return 403
    if (checked === 'ended') return stranger
    if (checked === 'owner') return 502
    const isDown = checked === 'down' || checked === 'token down'
    const isWithinGrace =
      interval > 0 && before?.allowed === true && now - before.at < (interval + grace) * 1000
    return isDown && isWithinGrace ? 200 : 503
  }

  return {
    visit(
      at: number,
      now: number,
      isNavigation: boolean,
    ): { status: number; calls: Calls; email?: string } {
      const calls = { token: 0, userinfo: 0 }
      const stranger = isNavigation ? 302 : 401
      const session = liveOf(at, now)
      if (session === undefined) return { status: stranger, calls }
      const needed = need(session, now)
      const isRefused = verdictOf(session)?.allowed === false
      if (isRefused && !(needed === 'now' && isNavigation)) return { status: 403, calls }
      const status = needed === 'now' ? settle(at, session, now, calls, stranger) : 200
      const { email } = session
      if (status !== 200) return { status, calls }
      session.activeAt = now
      session.deniedSince = undefined
      // The request passed; the result of an early check applies from the next one on.
      if (needed === 'early' && !(session.pause !== undefined && now < session.pause.until))
        check(at, session, now, calls)
      return { status, calls, email }
    },
    mayHerd(at: number, now: number) {
      const session = liveOf(at, now)
      return session === undefined || need(session, now) !== 'early'
    },
    logIn(at: number, user: string, now: number): { status: number } {
      const email = emailOf(user)
      if (!mayPass(email)) return { status: 403 }
      logins++
      sessions.set(at, {
        user,
        email,
        handle: undefined,
        createdAt: now,
        activeAt: now,
        tokenEndsAt:
          tokenLifetime === undefined ? Number.POSITIVE_INFINITY : now + tokenLifetime * 1000,
        hasGrant: true,
        verdicts: [{ rules, at: now, allowed: true }],
        deniedSince: undefined,
        pause: undefined,
      })
      return { status: 200 }
    },
    named(at: number, handle: string) {
      const session = sessions.get(at)
      if (session) session.handle = handle
    },
    handleOf: (at: number) => sessions.get(at)?.handle,
    end: (at: number) => void sessions.delete(at),
    endAllOf(user: string) {
      for (const [at, session] of sessions) if (session.user === user) sessions.delete(at)
    },
    setEmail(id: string, email: string) {
      const person = people.find((one) => one.id === id)
      if (person) person.email = email
    },
    revokeGrants(user: string) {
      for (const session of sessions.values()) if (session.user === user) session.hasGrant = false
    },
    setRules(name: RulesetName) {
      rules = name
      // Another configuration may be the cure.
      for (const session of sessions.values()) session.pause = undefined
    },
    setOutage(to: Outage) {
      outage = to
    },
    outage: () => outage,
    summary: () => ({ sessions: logins }),
  }
}
