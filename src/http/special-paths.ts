import { isSamePath, isUnderPath } from './paths.js'

/** Names of the special paths under `basePath`. */
export const SPECIAL_NAMES = [
  'authn',
  'logout',
  'session',
  'backchannel-logout',
  'client.js',
  'signals',
  'device/register',
  'device/refresh',
] as const

/** Callback paths by provider name. */
export type CallbackPaths = ReadonlyMap<string, string>

/**
 * Callback paths of earlier configurations, to which logins that started under them still return.
 * Outlives a configuration.
 */
export type RetiredCallbackPaths = Map<
  string,
  { readonly provider: string; readonly until: number }
>

/** Keeps the callback paths that a new configuration no longer has, for logins in progress. */
export function retireCallbackPaths(
  retired: RetiredCallbackPaths,
  previous: CallbackPaths,
  current: CallbackPaths,
  until: number,
): void {
  for (const [path, entry] of retired) if (entry.until < Date.now()) retired.delete(path)
  for (const [provider, path] of previous)
    if (current.get(provider) !== path) retired.set(path, { provider, until })
}

/** The paths below the mount point that the app never receives. */
export class SpecialPaths {
  readonly #basePath: string
  /** Providers by callback path. */
  readonly #callbacks: ReadonlyMap<string, string>
  /** Callback paths that are not under `basePath`. */
  readonly #otherPaths: readonly string[]
  readonly #retired: RetiredCallbackPaths

  constructor(
    { basePath, callbackPaths }: { basePath: string; callbackPaths: CallbackPaths },
    retired: RetiredCallbackPaths,
  ) {
    this.#basePath = basePath
    this.#callbacks = new Map([...callbackPaths].map(([provider, path]) => [path, provider]))
    this.#otherPaths = [...callbackPaths.values()].filter((path) => !isUnderPath(path, basePath))
    this.#retired = retired
  }

  /**
   * Whether any router could resolve `path` to a special path. `publicPath` is the path of the
   * mount, if `path` contains it.
   */
  includes(path: string, publicPath = ''): boolean {
    if (isUnderPath(path, publicPath + this.#basePath)) return true
    for (const other of this.#otherPaths) if (isSamePath(path, publicPath + other)) return true
    return this.#retired.size > 0 && this.#isRetired(path, publicPath)
  }

  /** The provider whose responses come to this path, also under an earlier configuration. */
  callbackProvider(path: string): string | undefined {
    const provider = this.#callbacks.get(path)
    if (provider !== undefined) return provider
    const retired = this.#retired.get(path)
    return retired !== undefined && retired.until > Date.now() ? retired.provider : undefined
  }

  #isRetired(path: string, publicPath: string): boolean {
    return [...this.#retired].some(
      ([other, { until }]) => until > Date.now() && isSamePath(path, publicPath + other),
    )
  }
}
