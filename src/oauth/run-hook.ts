import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject, isTooDeep } from '../http/json.js'
import { asObject, asString, asStrings, asUserId, isTrue } from './claims.js'
import type {
  Claims,
  Identity,
  MembershipList,
  MembershipResult,
  Memberships,
  WantedMemberships,
} from './identity.js'
import { outcomeOfThrown } from './provider-errors.js'
import type { ProviderApi } from './provider-api.js'

/** The abort ends the requests of a hook, which may then return what it has read so far. */
const LATE_RESULT_MS = 20

/**
 * Runs a hook of a provider definition, which may be code of the app. Rejects when the time of
 * `api` is up; any error becomes a `ProviderError` without secrets.
 */
export async function runHook<T>(
  name: string,
  api: ProviderApi,
  hook: () => T | Promise<T>,
): Promise<T> {
  const { signal } = api
  let giveUp = (): void => undefined
  const timeout = new Promise<never>((_, reject) => {
    giveUp = () => {
      const hint = `${name} did not finish in time`
      reject(new ProviderError('down', 'provider_timeout', { hint }))
    }
  })
  // Without a handler it would be an unhandled rejection if the hook throws synchronously.
  timeout.catch(() => undefined)
  const onAbort = () => void setTimeout(giveUp, LATE_RESULT_MS)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) giveUp()
  try {
    return await Promise.race([timeout, hook()])
  } catch (thrown) {
    if (thrown instanceof OAuthError) throw thrown
    throw new ProviderError(outcomeOfThrown(thrown), 'provider_error', {
      hint: `${name} failed`,
      cause: withoutSecrets(thrown, api),
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Validates the result of the hook `identity`. */
export function parseIdentity(result: unknown): Identity {
  const { id, name, email, emailVerified, username, picture, claims, incomplete } = asObject(result)
  return {
    id: asUserId(id),
    name: asString(name),
    email: asString(email),
    emailVerified: isTrue(emailVerified),
    username: asString(username),
    picture: asString(picture),
    claims: plainClaims(claims),
    incomplete,
  }
}

/** Validates the result of the hook `memberships`; drops memberships that are not wanted. */
export function parseMemberships(
  result: unknown,
  wanted: Required<Memberships> & WantedMemberships,
): Required<Memberships> & MembershipResult {
  const lists = isObject(result) ? result : {}
  const read = (list: MembershipList) => {
    const entries = new Set(asStrings(lists[list]))
    const named = wanted[list].filter((entry) => entries.has(entry))
    return wanted.all === true ? [...new Set([...named, ...entries])] : named
  }
  return {
    organizations: read('organizations'),
    teams: read('teams'),
    groups: read('groups'),
    incomplete: lists['incomplete'],
  }
}

/**
 * Sessions are stored as JSON. Anything else is rejected here, where the error can name the cause.
 */
function plainClaims(claims: unknown): Claims {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(claims ?? {}))
    if (isObject(copy) && !isTooDeep(copy)) return copy
  } catch {
    // A circular structure, or too deep for JSON.stringify().
  }
  throw new ProviderError('unusable', 'provider_error', {
    hint: 'the claims of the user cannot be stored as a JSON object',
  })
}

/**
 * A copy of an error, which may quote tokens or the client secret, for pages, the log and
 * `onError`.
 */
export function withoutSecrets(
  thrown: unknown,
  { accessToken, tokens, client }: ProviderApi,
): Error | undefined {
  const secrets = [accessToken, tokens['refresh_token'], tokens['id_token'], client.secret]
  const clean = (message: string) =>
    secrets.reduce<string>(
      (rest, secret) =>
        typeof secret === 'string' && secret !== '' ? rest.replaceAll(secret, '…') : rest,
      message,
    )
  if (typeof thrown === 'string') return new Error(clean(thrown))
  if (!(thrown instanceof Error)) return undefined
  // Subclasses can set both to anything.
  const { message, stack } = thrown as { message: unknown; stack?: unknown }
  return Object.assign(new Error(clean(String(message))), { stack: clean(String(stack)) })
}
