import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { OAuthErrorCode } from '../http/errors.js'
import type { RuleList } from '../access/policy.js'
import type { OAuthUser } from '../access/user.js'

/** Whom and what most events are about. None carries a secret. */
export interface SessionEvent {
  readonly user: OAuthUser
  readonly provider: string
  /** Public name of the session. */
  readonly sessionHandle: string
}

/** What a denial says. */
export interface DenialEvent {
  readonly user: OAuthUser
  readonly provider: string
  readonly code: OAuthErrorCode
  /** The lists that no entry of matched. */
  readonly tried: readonly RuleList[]
  /** Shown on the page and in the JSON as well. */
  readonly decisionId: string
  /** The rules of `reportOnly` would have refused; the user passed. */
  readonly isReportOnly: boolean
}

/** One request that the gate saw, as ngrok's event of the same name has it. */
export interface RequestEvent {
  readonly oauth: {
    readonly app_client_id: string | undefined
    readonly decision: 'allow' | 'block'
    readonly user: { readonly id: string | undefined; readonly name: string | undefined }
  }
  readonly method: string
  /** Without the query, which may hold secrets. */
  readonly path: string
  readonly status: number
  /** Milliseconds until the answer was sent. */
  readonly duration: number
  /** Why the app did not get the request: an error code, `login` when a login began, the special path that answered, `aborted`. */
  readonly reason: string | undefined
}

/** The events of a middleware and what each tells. */
export interface OAuthEvents {
  login: SessionEvent
  login_failed: {
    readonly provider: string | undefined
    readonly code: OAuthErrorCode
    readonly hint: string | undefined
  }
  denied: DenialEvent
  logout: SessionEvent
  expired: { readonly sessionHandle: string }
  recheck: SessionEvent & {
    readonly outcome: 'allowed' | 'denied' | 'ended'
    readonly duration: number
  }
  recheck_failed: SessionEvent & {
    readonly outcome: string
    readonly code: OAuthErrorCode
    readonly hint: string | undefined
  }
  revoked: { readonly sessionHandle: string }
  store_error: { readonly code: OAuthErrorCode; readonly hint: string | undefined }
  http_request_complete: RequestEvent
}

export type OAuthEventName = keyof OAuthEvents
export type OAuthListener<Name extends OAuthEventName> = (facts: OAuthEvents[Name]) => void

export interface Events {
  on<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void
  once<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void
  off<Name extends OAuthEventName>(name: Name, listener: OAuthListener<Name>): void
  tell<Name extends OAuthEventName>(name: Name, facts: OAuthEvents[Name]): void
  /** Whether anybody listens: what nobody hears is not put together. */
  hasListener(name: OAuthEventName): boolean
}

const names: readonly OAuthEventName[] = [
  'login',
  'login_failed',
  'denied',
  'logout',
  'expired',
  'recheck',
  'recheck_failed',
  'revoked',
  'store_error',
  'http_request_complete',
]

/** `onListenerError`: what a listener throws ends there. */
export function createEvents(onListenerError: (error: unknown) => void): Events {
  const emitter = new EventEmitter({ captureRejections: true }).setMaxListeners(100)
  /** A logger that throws is no better than a listener that does. */
  const complain = (error: unknown) => {
    try {
      onListenerError(error)
    } catch {
      // Nobody is left to tell.
    }
  }
  emitter.on('error', complain)
  const channels = new Map(names.map((name) => [name, channel(`oauth-module:${name}`)]))
  const known = (name: OAuthEventName) => {
    if (!names.includes(name))
      throw new TypeError(`there is no event of this name: known are ${names.join(', ')}`)
    return name
  }

  return {
    on: (name, listener) => void emitter.on(known(name), listener),
    once: (name, listener) => void emitter.once(known(name), listener),
    off: (name, listener) => void emitter.off(known(name), listener),
    tell(name, facts) {
      channels.get(name)?.publish(facts)
      // One listener that throws must not keep the next from hearing.
      for (const listener of emitter.rawListeners(name)) {
        try {
          const result: unknown = listener.call(emitter, facts)
          if (result instanceof Promise) result.catch(complain)
        } catch (error) {
          complain(error)
        }
      }
    },
    hasListener: (name) =>
      emitter.listenerCount(name) > 0 || channels.get(name)?.hasSubscribers === true,
  }
}
