import { isDeepStrictEqual } from 'node:util'
import { memoryStore } from '../../src/index.js'
import { Background } from '../../src/http/background.js'
import { Encrypter } from '../../src/http/encryption.js'
import { SessionRows } from '../../src/session/session-rows.js'
import { createSessionState } from '../../src/session/session-state.js'
import type { SealedData, SessionStart } from '../../src/session/sessions.js'
import { StoredSessions } from '../../src/session/stored-sessions.js'
import { GuardedStore } from '../../src/session/stores/guarded-store.js'

const AGENTS = Array.from(
  { length: 200 },
  (_, version) => `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${version}.0.0.0`,
)
/** What this process found. */
export interface SessionMemory {
  /** Bytes of heap in addition to what is encrypted. */
  perSession: number
  /** Whether the last session was found as it was created. */
  isFound: boolean
}

const KEPT_AS_OBJECTS = 1_000

function heapUsed(): number {
  for (let round = 0; round < 3; round++) gc?.()
  return process.memoryUsage().heapUsed
}

/** Without shared parts of other strings, as it is after a request was parsed. */
function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

function createSessions() {
  const encrypter = new Encrypter(['a secret of the app, 32 characters or more'])
  return new StoredSessions({
    state: createSessionState(),
    encrypter,
    clientOf: () => 'client-key-of-22-chars',
    lifetimes: { maximumDurationMs: 3_600_000, inactivityTimeoutMs: 0 },
    clockToleranceMs: 0,
    onEnd: () => undefined,
    store: new GuardedStore(memoryStore({ maxEntries: 100_000, maxBytes: 1e9 }), 1_000),
    rows: new SessionRows({
      encrypter,
      isInProcess: true,
      browserSession: { ipAddress: true, userAgent: true, maxAge: 0 },
    }),
    background: new Background(new Set(), () => undefined),
  })
}

function loginOf(number: number): SessionStart {
  const picture = `https://avatars.githubusercontent.com/u/${number}?v=4`
  const user = {
    ...{ key: `github:${number}`, id: String(number), name: `Ann Example ${number}` },
    ...{ email: `ann.example${number}@example.com`, emailVerified: true, username: `ann${number}` },
    ...{ picture, provider: 'github', organizations: ['acme'], teams: [], groups: [] },
  }
  const start = copyOf({
    ...{ instance: 'default', client: 'client-key-of-22-chars', user },
    scopes: ['read:org', 'user:email'],
    verdicts: {
      'fingerprint-of-22-char': {
        at: Date.now(),
        allowed: true,
        decidedBy: 'lists',
        matched: { list: 'organizations', entry: 'acme' },
      },
    },
    browser: { userAgent: AGENTS[number % AGENTS.length], ipAddress: `93.184.${number % 250}.17` },
  })
  return { ...start, sid: undefined, authTime: undefined, accessTokenExpiresAt: undefined }
}

/** Needs `--expose-gc`. */
async function measure(): Promise<SessionMemory> {
  const sessions = createSessions()
  const data: SealedData = {
    ...{ accessToken: `gho_${'a'.repeat(36)}`, claims: { id: 1, login: 'ann' } },
    ...{ boundClaims: {}, redirectUri: 'https://app.example.com/auth/callback' },
    ...{ refreshToken: undefined, idToken: undefined, subject: undefined },
  }
  let encrypted = 0
  const login = async (number: number) => {
    const session = await sessions.create(loginOf(number), data, Date.now())
    encrypted += session.record.sealed.length
    return session
  }
  for (let number = 1; number <= 2 * KEPT_AS_OBJECTS; number++) await login(1_000_000 + number)
  const before = heapUsed()
  encrypted = 0
  const count = 20_000
  for (let number = 1; number <= count; number++) await login(2_000_000 + number)
  const perSession = (heapUsed() - before - encrypted) / count
  const { id, record } = await login(3_000_000)
  for (let number = 1; number <= 2 * KEPT_AS_OBJECTS; number++) await login(4_000_000 + number)
  const mount = { instanceId: 'default', sessionCookie: { name: 'session' } }
  const request = { cookieHeader: `session=${id}`, now: Date.now(), mount }
  const { session } = await sessions.find(request)
  return { perSession, isFound: isDeepStrictEqual(copyOf(session?.record), copyOf(record)) }
}

process.send?.(await measure())
