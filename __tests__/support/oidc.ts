import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { ClientMetadata } from 'oidc-provider'

/**
 * The claims of an account by its `sub`; whatever is not listed in a scope below is not released.
 */
export type Account = { sub: string } & Record<string, unknown>

export interface OidcOptions {
  clients?: ClientMetadata[]
  accounts?: Account[]
  /**
   * The account that logs in without a page; none (the default) shows the page of accounts unless
   * `login_hint` names one.
   */
  loginAs?: string
  /** Seconds. */
  lifetimes?: {
    accessToken?: number
    idToken?: number
    refreshToken?: number
    code?: number
    session?: number
  }
  /** Whether each use of a refresh token gives a new one and spends the old (default false). */
  rotateRefreshTokens?: boolean
  /** `offline_access` (default): only when that scope was granted, which needs `prompt=consent`. */
  refreshTokens?: 'offline_access' | 'always' | 'never'
  pkceRequired?: boolean
  requirePushedRequests?: boolean
  /** Whether clients may use the grant `client_credentials` (default false). */
  clientCredentials?: boolean
  /**
   * Puts the claims of the scopes into the ID token too (default: userinfo only, as OpenID Connect
   * Core 5.4 has it).
   */
  claimsInIdToken?: boolean
  /** Further claims by scope. */
  claims?: Record<string, string[]>
  /** A fixed port, to start again where another one stopped (with new keys and no memory). */
  port?: number
}

/** Makes matching requests fail, the oldest fault first. */
export interface Fault {
  /**
   * The start of the path: `/token`, `/me`, `/jwks`, `/.well-known`, `/token/revocation`,
   * `/session/end`.
   */
  path: string
  status?: number
  headers?: Record<string, string>
  body?: string
  /** Milliseconds before the response: that of the fault, or the real one without a status. */
  delay?: number
  /** `hang` never responds, `reset` cuts the connection. */
  connection?: 'hang' | 'reset'
  /** How many requests it spoils; all without it. */
  times?: number
}

export interface LoggedRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** What the process of the provider does on demand. */
export interface OidcControl {
  /**
   * Adds a client, or replaces the one with this id. Rejects for metadata that the provider
   * rejects.
   */
  setClient(metadata: ClientMetadata): Promise<void>
  /** Who logs in without a page from now on; null: the page, or `login_hint`. */
  loginAs(sub: string | null): Promise<void>
  /** Whether interactions end with `access_denied`. */
  deny(value: boolean): Promise<void>
  /** Adds or replaces an account. */
  setAccount(account: Account): Promise<void>
  /** From now on userinfo and refreshing fail for this account. */
  removeAccount(sub: string): Promise<void>
  /** Revokes all tokens and grants of an account; its session at the provider stays. */
  revokeTokens(sub: string): Promise<void>
  /**
   * Ends the account's sessions at the provider and notifies clients with a
   * `backchannel_logout_uri`; returns their responses.
   */
  endSessions(sub: string): Promise<{ clientId: string; status: number }[]>
  fault(fault: Fault): Promise<void>
  clearFaults(): Promise<void>
  /** Requests since the last call. */
  takeRequests(): Promise<LoggedRequest[]>
  /** What the provider complained about since the last call, one line each. */
  takeErrors(): Promise<string[]>
}

export interface OidcServer extends OidcControl {
  issuer: string
  port: number
  close(): Promise<void>
}

export const accounts: Account[] = [
  {
    sub: 'alice',
    name: 'Alice Example',
    email: 'alice@example.com',
    email_verified: true,
    preferred_username: 'alice',
    picture: 'https://images.example.com/alice.png',
    groups: ['staff', 'admins'],
  },
  {
    sub: 'bob',
    name: 'Bob Example',
    email: 'bob@example.com',
    email_verified: true,
    preferred_username: 'bob',
    groups: ['staff'],
  },
  {
    sub: 'mallory',
    name: 'Mallory',
    email: 'mallory@elsewhere.example',
    email_verified: true,
    preferred_username: 'mallory',
  },
  { sub: 'unverified', name: 'Una Verified', email: 'una@example.com', email_verified: false },
  { sub: 'nobody' },
]

const methods = [
  'setClient',
  'loginAs',
  'deny',
  'setAccount',
  'removeAccount',
  'revokeTokens',
  'endSessions',
  'fault',
  'clearFaults',
  'takeRequests',
  'takeErrors',
] as const satisfies readonly (keyof OidcControl)[]

export interface Call {
  id: number
  method: 'start' | keyof OidcControl
  args: unknown[]
}
export type Answer = { id: number; result?: unknown; error?: string }

/**
 * Starts `oidc-provider` in a process of its own: it is ESM only, and none of our code runs in it.
 */
export async function startOidcProvider(options: OidcOptions = {}): Promise<OidcServer> {
  const child = fork(join(process.cwd(), '__tests__/support/oidc-process.ts'), {
    // It does not support the oldest versions of Node that this package supports.
    execPath: process.env['OIDC_PROVIDER_NODE'] ?? process.execPath,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  child.stdout?.on('data', (chunk) => (output += String(chunk)))
  child.stderr?.on('data', (chunk) => (output += String(chunk)))

  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  let calls = 0
  child.on('message', ({ id, result, error }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error))
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      for (const { reject } of waiting.values())
        reject(new Error(`oidc-provider stopped (${code}): ${output}`))
      waiting.clear()
      resolve()
    })
  })
  const call = (method: Call['method'], ...args: unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++calls
      waiting.set(id, { resolve, reject })
      child.send({ id, method, args } satisfies Call, (error) => error && reject(error))
    })

  const port = Number(await call('start', { accounts, ...options }))
  const control = Object.fromEntries(
    methods.map((method) => [method, call.bind(undefined, method)]),
  ) as unknown as OidcControl
  return {
    ...control,
    issuer: `http://127.0.0.1:${port}`,
    port,
    async close() {
      child.kill()
      await exited
    },
  }
}
