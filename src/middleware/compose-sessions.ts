import { type Connections, createConnections } from '../flows/connection.js'
import { Links } from '../flows/links.js'
import { Background } from '../http/background.js'
import { Encrypter } from '../http/encryption.js'
import { Mounts } from '../http/mounts.js'
import type { Config } from '../options/config.js'
import { CookieSessions } from '../session/cookie-sessions.js'
import { absoluteExpiry } from '../session/lifetimes.js'
import { LogoutIndex } from '../session/logout-index.js'
import { AppSessions } from '../session/session-list.js'
import type { EndReason, Sessions } from '../session/sessions.js'
import { StoredSessions } from '../session/stored-sessions.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import { GuardedStore } from '../session/stores/guarded-store.js'
import { UserActivity } from '../session/user-activity.js'
import { AppUsers } from '../session/users.js'
import { describeError } from './error-handler.js'
import { Events } from './events.js'
import type { GateState } from './gate-state.js'
import { RequestEvents } from './request-events.js'
import { abortSignals } from './session-signals.js'

/** Parts that do not depend on sessions. */
export type BaseParts = ReturnType<typeof composeBase>

/** Creates the parts that do not depend on sessions. */
export function composeBase(config: Config, state: GateState) {
  const { logger, basePath } = config
  const encrypter = new Encrypter(config.secret)
  const mounts = new Mounts(config, state.mounts)
  const connections = createConnections(config.providers, state.clients, logger)
  const events = new Events(state.emitter, (error) =>
    logger.error('a listener failed', describeError(error)),
  )
  return {
    encrypter,
    mounts,
    connections,
    events,
    requestEvents: new RequestEvents(
      { events, clientIdOf: (name) => clientIdOf(connections, name) },
      state.requestReports,
    ),
    links: new Links({ encrypter, mounts, basePath }),
    store: new GuardedStore(config.store, config.timeouts.storeMs),
    /**
     * The cookie store keeps no records: it cannot list them, nor end sessions of other browsers.
     */
    keepsRecords: !isCookieStore(config.store),
    background: new Background(state.background, (error) =>
      logger.error('background work failed', describeError(error)),
    ),
  }
}

/** Sessions, and what is stored about their users. */
export type SessionParts = ReturnType<typeof composeSessions>

/** Creates the parts that read and write sessions and users. */
export function composeSessions(config: Config, state: GateState, base: BaseParts) {
  const { store, background, connections, keepsRecords } = base
  const sessions = createSessions(config, state, base)
  const userActivity = new UserActivity({
    store,
    state: state.userActivity,
    background,
    providerUrl: (name) => connections.get(name)?.provider.issuer ?? '',
  })
  return {
    sessions,
    userActivity,
    users: new AppUsers({ store, sessions, activity: userActivity, keepsRecords }),
    sessionList: new AppSessions({
      store,
      sessions,
      expiresAt: (session) => absoluteExpiry(session, config),
      keepsRecords,
    }),
    logoutIndex: new LogoutIndex(store),
  }
}

/** The client ID of a provider, or without a name that of the only provider. */
function clientIdOf(connections: Connections, name: string | undefined): string | undefined {
  const [only] = connections.size === 1 ? connections.values() : []
  const connection = name === undefined ? only : connections.get(name)
  return connection?.provider.clientId
}

/**
 * Sessions in the store, or in cookies. The end of a session aborts its signals and is emitted as
 * an event.
 */
function createSessions(config: Config, state: GateState, parts: BaseParts): Sessions {
  const { encrypter, events, store, background, keepsRecords } = parts
  const sessionsDeps = {
    state: state.sessions,
    encrypter,
    lifetimes: config,
    clockToleranceMs: config.clockToleranceMs,
    onEnd(key: string, reason: EndReason, existed: boolean) {
      state.tokenRefreshes.unsaved.delete(key)
      abortSignals(state.signals, key, reason)
      if (existed && (reason === 'expired' || reason === 'revoked'))
        events.emit(reason, { sessionHandle: key })
    },
  }
  return keepsRecords
    ? new StoredSessions({ ...sessionsDeps, store, background })
    : new CookieSessions(sessionsDeps)
}
