import { type Connections, createConnections } from '../flows/connection.js'
import { Links } from '../flows/links.js'
import { Background } from '../http/background.js'
import { Encrypter } from '../http/encryption.js'
import { OAuthError } from '../http/errors.js'
import { Mounts } from '../http/mounts.js'
import type { AppRequest } from '../http/request.js'
import { SpecialPaths } from '../http/special-paths.js'
import type { Config } from '../options/config.js'
import { BlockedUsers } from '../session/blocked-users.js'
import { CookieSessions } from '../session/cookie-sessions.js'
import { absoluteExpiry } from '../session/lifetimes.js'
import { LogoutIndex } from '../session/logout-index.js'
import { AppSessions } from '../session/session-list.js'
import { SessionRows } from '../session/session-rows.js'
import { type EndKind, END_REASONS } from '../session/end-reasons.js'
import type { EndReason, Sessions } from '../session/sessions.js'
import { StoredSessions } from '../session/stored-sessions.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import { GuardedStore } from '../session/stores/guarded-store.js'
import { isMemoryStore } from '../session/stores/memory-store.js'
import { UserActivity } from '../session/user-activity.js'
import { UserRecords } from '../session/user-records.js'
import { SessionNotices } from '../session/session-notices.js'
import { UserEmails } from '../session/user-emails.js'
import { AppUsers } from '../session/users.js'
import { startDevProvider } from './dev-provider.js'
import { describeError, ErrorReporter } from './error-reporter.js'
import { Events } from './events.js'
import type { GateState } from './gate-state.js'
import { RequestEvents } from './request-events.js'
import { reportEnd } from './session-events.js'
import { abortSignals } from './session-signals.js'

/** Parts that do not depend on sessions. */
export type BaseParts = ReturnType<typeof composeBase>

/** Creates the parts that do not depend on sessions. */
export function composeBase(config: Config, state: GateState) {
  const { logger } = config
  const encrypter = new Encrypter(config.secret)
  const mounts = new Mounts(config, state.mounts)
  const specialPaths = new SpecialPaths(config, state.retiredCallbackPaths)
  const { devProvider } = config
  const connections = createConnections(config, state.clients, logger, async (name) => {
    if (devProvider !== undefined && name === 'dev')
      await startDevProvider(devProvider, state.devProvider, logger)
  })
  const events = new Events(state.emitter, config.browserSession, (error) =>
    logger.error('a listener failed', describeError(error)),
  )
  return {
    encrypter,
    mounts,
    specialPaths,
    connections,
    events,
    reporter: new ErrorReporter({ events, logger }),
    requestEvents: new RequestEvents(
      { events, clientIdOf: (name) => clientIdOf(connections, name) },
      state.requestReports,
    ),
    links: new Links({ encrypter, mounts, specialPaths }),
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
  const rows = new SessionRows({
    encrypter: base.encrypter,
    isInProcess: isMemoryStore(config.store),
    browserSession: config.browserSession,
  })
  const notices = new SessionNotices(store, background)
  const sessions = createSessions(config, state, { ...base, notices }, rows)
  const userRecords = new UserRecords(store)
  const blockedUsers = new BlockedUsers(store, keepsRecords)
  const userActivity = new UserActivity({
    store,
    records: userRecords,
    state: state.userActivity,
    background,
    providerUrl: (name) => connections.get(name)?.provider.issuer ?? '',
  })
  return {
    sessions,
    userActivity,
    userRecords,
    rows,
    notices,
    userEmails: new UserEmails(store),
    blockedUsers,
    users: new AppUsers({
      ...{ store, sessions, blockedUsers, activity: userActivity, keepsRecords },
      onBlocked: (id) => state.tokenSignals.abortUser(id, new OAuthError('not_authorized')),
    }),
    sessionList: new AppSessions({
      store,
      sessions,
      rows,
      expiresAt: (session) => absoluteExpiry(session, config),
      keepsRecords,
      browserSession: config.browserSession,
    }),
    logoutIndex: new LogoutIndex(store, rows),
  }
}

const NOT_ANNOUNCED = 'other processes were not told that a session has ended'

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
function createSessions(
  config: Config,
  state: GateState,
  parts: BaseParts & { notices: SessionNotices },
  rows: SessionRows,
): Sessions {
  const { connections, encrypter, events, store, background, keepsRecords, notices } = parts
  const { logger, signals } = config
  const sessionsDeps = {
    state: state.sessions,
    encrypter,
    clientOf: (name: string) => connections.get(name)?.clientKey,
    lifetimes: config,
    clockToleranceMs: config.clockToleranceMs,
    onEnd(key: string, reason: EndReason, existed: boolean, req?: AppRequest) {
      state.tokenRefreshes.unsaved.delete(key)
      abortSignals(state.signals, key, reason)
      if (existed) reportEnd({ events, logger }, key, reason, req)
      const { isExternal = false }: EndKind = END_REASONS[reason]
      if (signals !== undefined && existed && isExternal)
        notices.announce(key, (error) => logger.error(NOT_ANNOUNCED, describeError(error)))
    },
  }
  return keepsRecords
    ? new StoredSessions({ ...sessionsDeps, store, rows, background })
    : new CookieSessions(sessionsDeps)
}
