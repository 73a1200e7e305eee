import type { LazyDialogs } from './lazy-dialogs.js'
import type { SessionWatch } from './session-watch.js'
import type { ClientSettings } from './types.js'

/** What {@link repeatingFetch} depends on. */
export interface RepeatDeps {
  readonly nativeFetch: typeof fetch
  readonly watch: SessionWatch
  readonly dialogs: LazyDialogs
  readonly settings: ClientSettings
}

/** `fetch` that has the user sign in when the gate rejects a request, and then repeats it, once. */
export function repeatingFetch({
  nativeFetch,
  watch,
  dialogs,
  settings,
}: RepeatDeps): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
    const isSafe = /^(GET|HEAD)$/.test(method)
    const isRepeated =
      isSafe || mayRepeat(settings, method, request?.url ?? `${input as string | URL}`)
    // It may be endless, so no copy of it is kept. By the standard, a 401 to it is an error of the
    // network. (Fetch, 4.6) Chromium returns the 401.
    const isStream = init?.body instanceof ReadableStream
    // A body can be read only once, and the app may change what it is made of.
    const copy = isSafe || !isRepeated || isStream ? undefined : new Request(input, init)
    const send = (first?: Request) => (first ? nativeFetch(first) : nativeFetch(input, init))
    const sentAt = Date.now()
    const response = await send(copy?.clone()).catch((error: unknown) => {
      if (isStream) void watch.read()
      throw error
    })
    const loginUrl = await loginUrlOf(response)
    if (loginUrl === undefined) return response
    const isSignedIn = watch.isSignedIn && watch.signedInAt >= sentAt
    const signal = init?.signal ?? request?.signal
    if (!isSignedIn && !(await dialogs.signIn(loginUrl, signal))) return response
    return isRepeated && !isStream ? send(copy) : response
  }
}

function mayRepeat({ repeatUnsafe = false }: ClientSettings, method: string, url: string): boolean {
  return typeof repeatUnsafe === 'boolean' ? repeatUnsafe : repeatUnsafe(method, url)
}

/**
 * The `login_url` of a response of the gate, `''` if it has none for this origin; `undefined` for
 * every other response. The challenge identifies the gate; a proxy passes it on, but not the body.
 */
async function loginUrlOf(response: Response): Promise<string | undefined> {
  // `basic`: of this origin.
  if (response.status !== 401 || response.type !== 'basic') return undefined
  if (!isOfGate(response.headers.get('www-authenticate'))) return undefined
  const body = (await response
    .clone()
    .json()
    .catch(() => ({}))) as { login_url?: string }
  const url = String(body.login_url)
  return url.startsWith(`${location.origin}/`) ? url : ''
}

/** Whether a response with this `WWW-Authenticate` is one of the gate. */
export function isOfGate(challenge: string | null): boolean {
  return /\bcookie realm=/i.test(challenge ?? '')
}
