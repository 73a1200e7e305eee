import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject, isTooDeep } from '../http/json.js'
import { asUserId, isTrue, asObject, asString, asStrings } from './claims.js'
import { type Claims, type Identity, membershipLists, type Memberships } from './identity.js'
import type { ProviderApi } from './provider-api.js'

/**
 * Runs a hook of a provider's definition, which may be anybody's code: it settles in time, and what it throws is the
 * provider's fault.
 */
export async function runHook<T>(
  name: string,
  source: ProviderApi,
  hook: () => T | Promise<T>,
): Promise<T> {
  const { signal } = source
  let giveUp = () => undefined
  const tooLate = new Promise<never>((_, reject) => {
    giveUp = () =>
      void reject(
        new ProviderError('down', 'provider_timeout', { hint: `${name} did not finish in time` }),
      )
  })
  tooLate.catch(() => undefined)
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  try {
    return await Promise.race([tooLate, hook()])
  } catch (thrown) {
    if (thrown instanceof OAuthError) throw thrown
    throw new ProviderError('down', 'provider_error', {
      hint: `${name} failed`,
      cause: withoutSecrets(thrown, source),
    })
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** What `identity` gave, every field of the type it is believed to have. */
export function parseIdentity(given: unknown): Identity {
  const { id, name, email, emailVerified, username, picture, claims } = asObject(given)
  return {
    id: asUserId(id),
    name: asString(name),
    email: asString(email),
    emailVerified: isTrue(emailVerified),
    username: asString(username),
    picture: asString(picture),
    claims: plainClaims(claims),
  }
}

/** What `memberships` gave: lists of texts, and nothing that was not asked about. */
export function parseMemberships(
  given: unknown,
  wanted: Required<Memberships>,
): Required<Memberships> {
  const lists = isObject(given) ? given : {}
  const entries = membershipLists.map((list) => {
    const had = new Set(asStrings(lists[list]))
    return [list, wanted[list].filter((entry) => had.has(entry))]
  })
  return Object.fromEntries(entries)
}

/** Sessions are JSON: what that cannot hold would fail later, where nobody knows why. */
function plainClaims(claims: unknown): Claims {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(claims ?? {}))
    if (isObject(copy) && !isTooDeep(copy)) return copy
  } catch {
    // A circle, or nested too deeply.
  }
  throw new ProviderError('down', 'provider_error', {
    hint: "the user's claims are no object that JSON can hold",
  })
}

/** An error may quote the provider, and the token with it; it goes to the page, the log and `onError`. */
export function withoutSecrets(
  thrown: unknown,
  { accessToken, tokens, client }: ProviderApi,
): Error | undefined {
  const secrets = [accessToken, tokens['refresh_token'], tokens['id_token'], client.secret]
  const clean = (text: string) =>
    secrets.reduce<string>(
      (left, secret) =>
        typeof secret === 'string' && secret !== '' ? left.replaceAll(secret, '…') : left,
      text,
    )
  if (typeof thrown === 'string') return new Error(clean(thrown))
  if (!(thrown instanceof Error)) return undefined
  const copy = new Error(clean(String(thrown.message)))
  return Object.assign(copy, { stack: clean(String(thrown.stack)) })
}
