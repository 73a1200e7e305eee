import { OAuthError, ProviderError } from '../http/errors.js'
import { withoutSecrets } from '../oauth/run-hook.js'
import { identityFromClaims, asUserId, asString } from '../oauth/claims.js'
import { isAllowedUrl } from '../http/origin.js'
import type { Claims, Identity } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { reservedParams } from './request-params.js'
import { isObject } from '../http/json.js'
import type { OptionReader } from '../schema.js'

/** A user as {@link OAuth2Options.fetchUserProfile} finds them: `user_id` is required, everything else is up to you. */
export interface UserProfile {
  /** The provider's own, stable id of the user. */
  user_id: string | number
  email?: string | undefined
  /** Rules on e-mails ask for `true`, unless `trustEmail` is set. */
  email_verified?: boolean | undefined
  name?: string | undefined
  nickname?: string | undefined
  picture?: string | undefined
  [claim: string]: unknown
}

/** Takes an error, or `null` and the profile. Only the first call counts. */
export type ProfileCallback = (error: unknown, profile?: UserProfile) => void

/**
 * Reads the user with the access token. `context` is the token endpoint's answer; at a re-check without a refresh, what is kept
 * of it: tokens, `token_type` and `scope`. Returns the profile or a promise of it, or
 * takes a third parameter and calls that back. Must be done within `timeouts.provider`.
 */
export type FetchUserProfile = (
  accessToken: string,
  context: Claims,
  callback: ProfileCallback,
) => UserProfile | Promise<UserProfile | void> | void

/** Options of {@link oauth2Provider}. */
export interface OAuth2Options extends Omit<ProviderOptions, 'scopes'> {
  /** Where users are sent to log in. A query in it is kept. */
  authorizationUrl: string
  /** Where the code is exchanged for tokens. */
  tokenUrl: string
  /** Gives the user as JSON for the access token. The id is taken from `sub`, `id` or `user_id`. */
  userinfoUrl?: string | undefined
  /** Reads the user in a way of your own, instead of `userinfoUrl`. */
  fetchUserProfile?: FetchUserProfile | undefined
  /** What to ask for: a list, or a text with blanks between. */
  scopes?: readonly string[] | string | undefined
  /** Between scopes in the authorization request. Default: a blank. */
  scopeSeparator?: ' ' | ',' | undefined
  /** Between scopes in `?connection_scope=`. Default: a comma. */
  connectionScopeSeparator?: ' ' | ',' | undefined
  /** PKCE with S256. Default `true`; servers that do not know it ignore it. */
  pkce?: boolean | undefined
  /** What `iss` of a callback must be, where the server sends it. (RFC 9207) */
  issuer?: string | undefined
}

const ownOptions = [
  'authorizationUrl',
  'tokenUrl',
  'userinfoUrl',
  'fetchUserProfile',
  'scopeSeparator',
  'connectionScopeSeparator',
  'pkce',
  'issuer',
]

/** Any OAuth 2.0 server: two addresses and a way to read the user. (RFC 6749, 4.1) */
export function oauth2Provider(options: OAuth2Options): ProviderSetup {
  const { scopes } = options
  const listed =
    typeof scopes === 'string'
      ? { ...options, scopes: scopes.split(' ').filter((scope) => scope !== '') }
      : options
  return providerSetup(listed, ownOptions, define)
}

function define(options: OptionReader): ProviderDefinition {
  const fetchUserProfile = options.function('fetchUserProfile') as FetchUserProfile | undefined
  const userinfo = options.has('userinfoUrl') ? addressOf(options, 'userinfoUrl') : undefined
  if (fetchUserProfile === undefined && userinfo === undefined) {
    return options.fail(
      'userinfoUrl',
      'is missing: set it, or fetchUserProfile, so that the user can be read',
    )
  }
  const authorization = addressOf(options, 'authorizationUrl')
  const reserved = [...new URL(authorization).searchParams.keys()].find((name) =>
    reservedParams.has(name),
  )
  if (reserved !== undefined)
    options.fail('authorizationUrl', `must not set ${reserved} in its query`)
  return {
    openid: false,
    issuer:
      options.url('issuer', isAllowedUrl) === undefined
        ? undefined
        : String(options.value('issuer')),
    endpoints: {
      authorization,
      token: addressOf(options, 'tokenUrl'),
      ...(userinfo !== undefined && { userinfo }),
    },
    scopes: [],
    scopeSeparator: options.oneOf('scopeSeparator', [' ', ','], ' '),
    connectionScopeSeparator: options.oneOf('connectionScopeSeparator', [' ', ','], ','),
    pkce: options.boolean('pkce', true),
    identity: async (source) =>
      identityOf(
        fetchUserProfile === undefined
          ? await readUserinfo(source)
          : await callProfile(fetchUserProfile, source),
      ),
  }
}

/** As given, once it is known to be an address: what is sent must not differ from what was configured. */
function addressOf(options: OptionReader, name: string): string {
  if (options.url(name) === undefined)
    return options.fail(name, 'is missing: set it to the address at your provider')
  const address = String(options.value(name))
  return isAllowedUrl(address)
    ? address
    : options.fail(name, 'must be an https URL (plain http only on this machine)')
}

/** The first of these that is there is the id, usable or not: another one could be somebody else's. */
async function readUserinfo({ userinfo }: ProviderApi): Promise<Claims> {
  const claims = await userinfo()
  return { ...claims, user_id: claims['sub'] ?? claims['id'] ?? claims['user_id'] }
}

function identityOf(profile: Claims): Identity {
  const username = ['preferred_username', 'nickname', 'username', 'login']
    .map((name) => asString(profile[name]))
    .find((name) => name !== undefined)
  return {
    ...identityFromClaims({ ...profile, sub: asUserId(profile['user_id']) }),
    username,
    claims: profile,
  }
}

const MAX_PROFILE = 256 * 1024

/** Runs code of the app's: whatever it does, this settles once, in time, and with plain data. */
async function callProfile(
  fetchUserProfile: FetchUserProfile,
  source: ProviderApi,
): Promise<Claims> {
  const profile = await settle(fetchUserProfile, source).catch((thrown: unknown) => {
    if (thrown instanceof OAuthError) throw thrown
    const cause = withoutSecrets(thrown, source)
    throw new ProviderError('down', 'provider_error', {
      hint: 'fetchUserProfile failed',
      providerMessage: cause?.message,
      cause,
    })
  })
  const json = toJson(profile)
  if (json === undefined || json.length > MAX_PROFILE) {
    throw new ProviderError('down', 'provider_error', {
      hint: `fetchUserProfile must give an object that JSON can hold, of at most ${MAX_PROFILE} characters`,
    })
  }
  const copy: unknown = JSON.parse(json)
  if (!isObject(copy))
    throw new ProviderError('down', 'provider_error', {
      hint: 'fetchUserProfile must give an object with a user_id',
    })
  return copy
}

function settle(
  fetchUserProfile: FetchUserProfile,
  { accessToken, tokens, signal }: ProviderApi,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const tooLate = () =>
      reject(
        new ProviderError('down', 'provider_timeout', {
          hint: 'fetchUserProfile did not finish in time',
        }),
      )
    if (signal.aborted) return tooLate()
    signal.addEventListener('abort', tooLate, { once: true })
    const done: ProfileCallback = (error, profile) => {
      signal.removeEventListener('abort', tooLate)
      if (error === null || error === undefined) resolve(profile)
      else reject(error)
    }
    const takesCallback = fetchUserProfile.length > 2
    // An async function that calls back returns a promise of nothing.
    Promise.resolve(fetchUserProfile(accessToken, tokens, done)).then(
      (profile) => takesCallback || done(null, profile as UserProfile),
      done,
    )
  })
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
