import type { Exchange, Vendor } from './vendor.js'
import type { AuthorizationRefusal } from './settings.js'
import type { VendorResponse } from './types.js'
import type { Grant } from './grants.js'
import { redirect } from './responses.js'
import { errorPage, formPostPage, personaPage, PERSONA } from './pages.js'

/** How a vendor's authorization endpoint differs from RFC 6749. */
export interface AuthorizeRules {
  /** The separator of scopes. Default: spaces. */
  scopeSeparator?: RegExp
  /** The values of `prompt` that the vendor accepts. Default: `prompt` is ignored. */
  prompts?: readonly string[]
  /** Whether `prompt=login`, or the vendor's equivalent, requests a new sign-in. */
  asksToSignInAgain?(params: URLSearchParams): boolean
  /** The accepted values of `code_challenge_method` (RFC 7636, section 4.3). Default: any. */
  challengeMethods?: readonly string[]
  responseTypes?: readonly string[]
  /** Invalid requests result in the vendor's error page instead of a redirect. */
  errorsOnPage?: boolean
  /** The parameters of the redirect after the user denies access. */
  denial?: AuthorizationRefusal
  /** The vendor's own checks of the request. */
  refuse?(params: URLSearchParams, scopes: string[]): AuthorizationRefusal | undefined
  /** Additional parameters of the redirect. */
  extras?(grant: Grant): Record<string, string>
  /** The vendor's `iss` parameter (RFC 9207). */
  issuer?: string
  /** The fragment of the redirect. */
  fragment?: string
  /** Whether a wrong redirect URI leads to the registered one, with an error. */
  redirectsToRegistered?: boolean
  /** Whether `response_mode=form_post` is supported. Otherwise it is ignored. */
  supportsFormPost?: boolean
}

const list = (value: string | null, separator = / +/) =>
  (value ?? '').split(separator).filter((item) => item !== '')

/**
 * The authorization endpoint: checks the request, lets the user choose an account, and redirects to
 * the client.
 */
export function authorize(
  { request, params }: Exchange,
  vendor: Vendor,
  rules: AuthorizeRules,
): VendorResponse {
  if (params.get('client_id') !== vendor.clientId)
    return errorPage('Unknown client', 'No application has this client_id.')
  const redirectUri = registered(params.get('redirect_uri'), vendor)
  if (redirectUri === undefined) return mismatch(params, vendor, rules)

  const back = (fields: Record<string, string | undefined>) =>
    rules.supportsFormPost && params.get('response_mode') === 'form_post'
      ? formPostPage(redirectUri, {
          ...callbackFields(params, vendor, rules, fields),
          ...vendor.settings.formFields,
        })
      : redirect(callback(redirectUri, params, vendor, rules, fields))
  const scopes = list(params.get('scope'), rules.scopeSeparator)
  if (vendor.settings.refuse) return back({ ...vendor.settings.refuse })
  const refusal = refuse(params, scopes, rules)
  if (refusal && rules.errorsOnPage)
    return errorPage(`Error 400: ${refusal.error}`, refusal.error_description ?? '')
  if (refusal) return back({ ...refusal })

  const chosen = choose(request.query.get(PERSONA), params, vendor)
  if (chosen === 'ask') return personaPage(request, vendor.users)
  if (chosen === 'login_required')
    return back({ error: 'login_required', error_description: 'No user is signed in.' })
  if (chosen === 'deny') return back({ ...(rules.denial ?? denial) })

  const signsInAgain =
    !vendor.settings.ignoreReauthentication && (rules.asksToSignInAgain?.(params) ?? false)
  const grant: Grant = {
    userIndex: chosen,
    scopes: scopes.filter((scope) => vendor.settings.grantedScopes?.includes(scope) ?? true),
    redirectUri,
    params,
    authTime: vendor.signIn(chosen, signsInAgain),
    isNewConsent: vendor.grants.consent(chosen) || list(params.get('prompt')).includes('consent'),
    accessTokens: new Set(),
    refreshTokens: new Set(),
  }
  return back({ code: vendor.grants.issueCode(grant), ...rules.extras?.(grant) })
}

const denial: AuthorizationRefusal = {
  error: 'access_denied',
  error_description: 'The user denied the request.',
}

/** The response to a redirect URI that is not registered. */
function mismatch(params: URLSearchParams, vendor: Vendor, rules: AuthorizeRules): VendorResponse {
  const { settings } = vendor
  const [target] = settings.redirectUris
  const behavior = settings.mismatch ?? (rules.redirectsToRegistered ? 'error' : 'page')
  if (behavior === 'page' || target === undefined)
    return errorPage('Redirect URI mismatch', 'The redirect_uri is not a registered one.')
  if (behavior === 'home') return redirect(target)
  const fields = {
    error: 'redirect_uri_mismatch',
    error_description: 'The redirect_uri MUST match the registered callback URL.',
  }
  return redirect(callback(target, params, vendor, rules, fields))
}

function registered(redirectUri: string | null, { settings }: Vendor): string | undefined {
  if (redirectUri === null || !URL.canParse(redirectUri)) return undefined
  return settings.redirectUris.length === 0 || settings.redirectUris.includes(redirectUri)
    ? redirectUri
    : undefined
}

function refuse(
  params: URLSearchParams,
  scopes: string[],
  rules: AuthorizeRules,
): AuthorizationRefusal | undefined {
  const invalid = (description: string) => ({
    error: 'invalid_request',
    error_description: description,
  })
  const names = [...params.keys()]
  if (new Set(names).size !== names.length) return invalid('A parameter is repeated.')
  const responseTypes = rules.responseTypes ?? ['code']
  if (!responseTypes.includes(params.get('response_type') ?? '')) {
    return {
      error: 'unsupported_response_type',
      error_description: 'Only the code flow is supported.',
    }
  }
  const { prompts, challengeMethods } = rules
  if (prompts && !list(params.get('prompt')).every((prompt) => prompts.includes(prompt))) {
    return invalid(`Invalid parameter value for prompt: ${params.get('prompt')}`)
  }
  const method = params.get('code_challenge_method')
  if (challengeMethods && method !== null && !challengeMethods.includes(method)) {
    return invalid('code_challenge_method is not supported.')
  }
  return rules.refuse?.(params, scopes)
}

/** The index of the user who signs in, or why none does. */
function choose(
  persona: string | null,
  params: URLSearchParams,
  vendor: Vendor,
): number | 'ask' | 'login_required' | 'deny' {
  if (persona === 'deny') return 'deny'
  if (persona !== null && vendor.users[Number(persona)]) return Number(persona)
  const asks = vendor.settings.personaPage ?? vendor.users.length > 1
  if (!asks) return vendor.users.indexOf(vendor.user)
  return params.get('prompt') === 'none' ? 'login_required' : 'ask'
}

function callbackFields(
  params: URLSearchParams,
  { settings }: Vendor,
  { issuer }: AuthorizeRules,
  fields: Record<string, string | undefined>,
): Record<string, string> {
  const { issInCallback } = settings
  const iss = typeof issInCallback === 'string' ? issInCallback : issInCallback ? issuer : undefined
  const all = { ...fields, state: params.get('state') ?? undefined, iss }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function callback(
  redirectUri: string,
  params: URLSearchParams,
  vendor: Vendor,
  rules: AuthorizeRules,
  fields: Record<string, string | undefined>,
): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(callbackFields(params, vendor, rules, fields)))
    url.searchParams.set(name, value)
  if (rules.fragment) url.hash = rules.fragment
  return url.href
}
