import type { AppRequest } from './request.js'

type App = AppRequest['app']

/** What earlier requests to a mount show. */
export interface EarlierRequests {
  /** The Express app whose `trust proxy` setting applies; `undefined` without Express. */
  readonly app: App
  /** Whether the requests with a session used https; both values if some did and some did not. */
  readonly isHttps: ReadonlySet<boolean>
}

/** The mounts of earlier requests. Outlives a configuration. */
export interface MountState {
  /** The apps by every mount path that a request had. */
  readonly known: Map<string, App>
  /**
   * Mounts of requests with a session. Unauthenticated clients can request any path that a router
   * accepts, and send any `X-Forwarded-Proto` to an app that they reach without its proxy.
   */
  readonly confirmed: Map<string, EarlierRequests & { readonly isHttps: Set<boolean> }>
}

/** A mount path with parameters has many values. Beyond this number they are not remembered. */
export const MAX_MOUNTS = 256

/** Empty state for {@link MountMemory}. */
export function createMountState(): MountState {
  return { known: new Map(), confirmed: new Map() }
}

/** Remembers mounts for requests that no router has seen, such as upgrades. */
export class MountMemory {
  readonly #state: MountState

  constructor(state: MountState) {
    this.#state = state
  }

  /** Records that a request came through a mount. */
  learn(mountPath: string, app: App): void {
    const { known } = this.#state
    const isMissing = known.has(mountPath)
      ? app !== undefined && known.get(mountPath) === undefined
      : known.size < MAX_MOUNTS
    if (isMissing) known.set(mountPath, app)
  }

  /** Records that a request with a session came through a mount. */
  confirm(mountPath: string, isHttps: boolean, req: AppRequest): void {
    const { confirmed } = this.#state
    const earlier = confirmed.get(mountPath)
    if (earlier?.isHttps.has(isHttps)) return
    if (earlier !== undefined) return void earlier.isHttps.add(isHttps)
    const [oldest] = confirmed.keys()
    if (oldest !== undefined && confirmed.size >= MAX_MOUNTS) confirmed.delete(oldest)
    confirmed.set(mountPath, { app: req.app, isHttps: new Set([isHttps]) })
  }

  /** What earlier requests to a mount show; `undefined` if there were none. */
  earlierRequests(mountPath: string): EarlierRequests | undefined {
    const { confirmed, known } = this.#state
    const earlier = confirmed.get(mountPath)
    if (earlier !== undefined || !known.has(mountPath)) return earlier
    return { app: known.get(mountPath), isHttps: new Set() }
  }

  /**
   * The mount path for the URL of a request that no router has seen: the longest known one that
   * contains the URL, else the only one in use, else the root.
   */
  mountPathOf(url: string): string {
    const { confirmed, known } = this.#state
    const [path = ''] = url.split('?', 1)
    const [longest] = [...confirmed.keys(), ...known.keys()]
      .filter((mountPath) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.length - a.length)
    const inUse = confirmed.size > 0 ? confirmed : known
    const [only] = inUse.size === 1 ? inUse.keys() : []
    return longest ?? only ?? ''
  }
}
