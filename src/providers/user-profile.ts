import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { Claims } from '../oauth/identity.js'
import { outcomeOfThrown } from '../oauth/provider-errors.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { withoutSecrets } from '../oauth/run-hook.js'

/** The user as returned by {@link FetchUserProfile}: only `user_id` is required. */
export interface UserProfile {
  /** Stable and unique at the provider, and never reassigned. */
  user_id: string | number
  /** Email address. Default: none. */
  email?: string | undefined
  /** Email rules require `true`, unless `trustEmail` is set. */
  email_verified?: boolean | undefined
  /** Full name, for display. Default: none. */
  name?: string | undefined
  /** Name that the user signs in with. Default: none. */
  nickname?: string | undefined
  /** URL of the profile picture. Default: none. */
  picture?: string | undefined
  [claim: string]: unknown
}

/** Called with an error, or with `null` and the profile. Only the first call counts. */
export type ProfileCallback = (error: unknown, profile?: UserProfile) => void

/**
 * Reads the user with the access token. Returns the profile or a promise of it, or takes a third
 * parameter and calls it. Must finish within `timeouts.provider`. `context` is the token response;
 * at a re-check without a refresh, the part of it that is stored: tokens, `token_type` and `scope`.
 */
export type FetchUserProfile = (
  accessToken: string,
  context: Claims,
  callback: ProfileCallback,
) => UserProfile | Promise<UserProfile | void> | void

const MAX_PROFILE_CHARACTERS = 256 * 1024

/**
 * Calls the app's function. Settles once, within the time limit, with a copy that is plain JSON.
 */
export async function callProfile(
  fetchUserProfile: FetchUserProfile,
  api: ProviderApi,
): Promise<Claims> {
  const result = await settleProfile(fetchUserProfile, api)
  if ('thrown' in result) throw toError(result.thrown, api)
  const json = toJson(result.profile)
  if (json === undefined || json.length > MAX_PROFILE_CHARACTERS) {
    throw new ProviderError('unusable', 'provider_error', {
      hint: `fetchUserProfile must return an object that is valid JSON of at most ${MAX_PROFILE_CHARACTERS} characters`,
    })
  }
  const copy: unknown = JSON.parse(json)
  if (!isObject(copy) || !('user_id' in copy))
    throw new ProviderError('unusable', 'provider_error', {
      hint: 'fetchUserProfile must return an object with a user_id',
    })
  return copy
}

function toError(thrown: unknown, api: ProviderApi): Error {
  if (thrown instanceof OAuthError) return thrown
  const cause = withoutSecrets(thrown, api)
  return new ProviderError(outcomeOfThrown(thrown), 'provider_error', {
    hint: `fetchUserProfile failed${cause === undefined ? '' : `: ${cause.message.slice(0, 512)}`}`,
    cause,
  })
}

/** The profile, or the error that the app's function threw or passed to the callback. */
type ProfileResult = { readonly profile: unknown } | { readonly thrown: unknown }

function settleProfile(
  fetchUserProfile: FetchUserProfile,
  { accessToken, tokens, signal }: ProviderApi,
): Promise<ProfileResult> {
  return new Promise((resolve) => {
    const onTimeout = () =>
      resolve({
        thrown: new ProviderError('down', 'provider_timeout', {
          hint: 'fetchUserProfile did not finish in time',
        }),
      })
    if (signal.aborted) return onTimeout()
    signal.addEventListener('abort', onTimeout, { once: true })
    const done: ProfileCallback = (error, profile) => {
      signal.removeEventListener('abort', onTimeout)
      resolve(error === null || error === undefined ? { profile } : { thrown: error })
    }
    const takesCallback = fetchUserProfile.length > 2
    // An async function that uses the callback returns a promise of `undefined`.
    new Promise<UserProfile | void>((returned) => {
      returned(fetchUserProfile(accessToken, tokens, done))
    }).then((profile) => takesCallback || done(null, profile ?? undefined), done)
  })
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
