import type { ClientEventName, ClientSession, ClientSettings } from './types.js'

/** On the channel, besides the keys of users: a login is complete, or a tab is about to sign out. */
const SIGNED_IN = true
const SIGNING_OUT = false
/** How long the server may need to end a session. */
const SIGN_OUT_MS = 2_000
/** While the user is warned, in case another tab is in use. */
const WARNED_CHECK_MS = 5_000
/** The longest delay of a timer in browsers. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** What happened to the session. */
export interface Change {
  /** `active`: the session no longer expires soon. */
  readonly name: ClientEventName | 'active'
  readonly session: ClientSession
  /** Whether a listener of the app has prevented the dialog. */
  readonly isSilent: boolean
}

/** Reads the session of this page, and notices what happens to it. */
export class SessionWatch {
  /** Where the app listens. */
  readonly events = new EventTarget()
  readonly #basePath: string
  readonly #fetch: typeof fetch
  readonly #settings: ClientSettings
  #channel: BroadcastChannel | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The longest remaining time of a session, in milliseconds. */
  #longest = 0
  #isExpiring = false
  /** Key of the user of the session; `null` without a session. */
  #current: string | null | undefined
  /** Key of the first user since the page was loaded: the page shows the data of this user. */
  #pageUser: string | null | undefined
  /** The session as it was read last. */
  latest: ClientSession | undefined
  /** When the user of this page signed in again, in milliseconds. */
  signedInAt = 0

  /** What follows from a change of the session. */
  onChange: (change: Change) => void = () => {}
  /** Settles after the first attempt to read the session. */
  readonly ready: Promise<unknown>

  constructor(basePath: string, nativeFetch: typeof fetch, settings: ClientSettings) {
    this.#basePath = basePath
    this.#fetch = nativeFetch
    this.#settings = settings
    const check = () => void this.read()
    document.addEventListener('visibilitychange', () => document.hidden || check())
    addEventListener('online', check)
    // Browsers do not keep pages with an open channel for the back button.
    addEventListener('pagehide', () => this.#channel?.close())
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) void this.#connect()
    })
    this.ready = this.#connect()
  }

  /** If the session could not be read yet, no user may be taken for that of the page. */
  distrustIfUnknown(): void {
    this.#pageUser ??= this.#current === undefined ? '' : null
  }

  /** Key of the user whose data the page shows. */
  get pageUser(): string | undefined {
    return this.#pageUser ?? undefined
  }

  /** Whether the user of this page has a session. */
  get isSignedIn(): boolean {
    return !!this.#current && this.#current === this.#pageUser
  }

  /** Where a login starts. */
  get loginUrl(): string {
    return this.latest?.loginUrl ?? `${this.#basePath}/authn`
  }

  /** Reads the session. `undefined` if the server cannot be reached. With POST, it is activity. */
  async read(method = 'GET', isLogin = false): Promise<ClientSession | undefined> {
    try {
      const path = method === 'GET' ? 'session' : 'client.js'
      const response = await this.#fetch(`${this.#basePath}/${path}`, {
        method,
        cache: 'no-store',
        headers: { accept: 'application/json' },
      })
      if (!response.ok) return undefined
      const session = (await response.json()) as ClientSession
      const now = Date.parse(response.headers.get('date') ?? '') || Date.now()
      this.#observe(session, now, isLogin)
      return session
    } catch {
      return undefined
    }
  }

  /** Tells the other tabs that this one is about to sign out. */
  announceSignOut(): void {
    this.#channel?.postMessage(SIGNING_OUT)
  }

  #connect(): Promise<unknown> {
    const channel = (this.#channel = new BroadcastChannel('oauth-module'))
    channel.onmessage = ({ data }) => {
      if (data === SIGNED_IN) void this.read('GET', true)
      else if (data === SIGNING_OUT) setTimeout(() => void this.read(), SIGN_OUT_MS)
      else if (data !== this.#current) void this.read()
    }
    return this.read()
  }

  #observe(session: ClientSession, now: number, isLogin: boolean): void {
    const key = session.user?.key ?? null
    const before = this.#current
    this.latest = session
    this.#current = key
    this.#pageUser ??= key
    if (key !== before) this.#channel?.postMessage(key)
    if (isLogin || (before !== undefined && key !== before)) {
      if (key && key === this.#pageUser) this.signedInAt = Date.now()
      this.#emit(!key ? 'signout' : key === this.#pageUser ? 'signin' : 'userchange', session)
    }
    this.#schedule(session, now)
  }

  /** Sets the timer for the next moment at which the session may have changed. */
  #schedule(session: ClientSession, now: number): void {
    const { user, expiresAt, idleExpiresAt } = session
    const left = Math.min(expiresAt ?? Infinity, idleExpiresAt ?? Infinity) - now
    const { warnBefore = 60 } = this.#settings
    clearTimeout(this.#timer)
    this.#longest = Math.max(this.#longest, left)
    // A short session must not consist of warnings only.
    const warned = Math.min(warnBefore * 1000, this.#longest / 2)
    const isExpiring = !!user && left <= warned
    const wasExpiring = this.#isExpiring
    this.#isExpiring = isExpiring
    if (isExpiring && !wasExpiring) this.#emit('expiring', session)
    if (!user) return
    if (!isExpiring && wasExpiring) this.onChange({ name: 'active', session, isSilent: true })
    if (left === Infinity) return
    const delay = isExpiring ? Math.min(left + 1000, WARNED_CHECK_MS) : left - warned
    this.#timer = setTimeout(() => void this.read(), Math.min(delay, MAX_DELAY_MS))
  }

  #emit(name: ClientEventName, detail: ClientSession): void {
    const event = new CustomEvent(name, { detail, cancelable: true })
    const isSilent = !this.events.dispatchEvent(event)
    this.onChange({ name, session: detail, isSilent })
  }
}
