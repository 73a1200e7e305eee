import type { Provider } from '../../access/provider.js'
import type { Connection } from '../../flows/connection.js'
import { OAuthError } from '../../http/errors.js'
import { quote } from '../../oauth/quote.js'
import { redirectUriFix } from '../../oauth/token-errors.js'
import { errorResponseProblem } from './authorization-error.js'
import { authorizationRequest, type AuthorizationRequest } from './authorization-request.js'
import { divide, error, type Problem, warning } from './finding.js'
import { followAuthorization, type Outcome, type ProviderPage } from './follow-authorization.js'
import { as, networkProblem } from './network.js'
import { textOf, topicOf } from './page-topic.js'

/**
 * Whether the provider accepts the authorization request of a login: client ID, redirect URI and
 * scopes. It is sent without cookies, so no one is signed in. Many providers check the request only
 * after the user has signed in: then nothing is found.
 */
export async function checkAuthorization(
  connection: Connection,
  redirectUri: string,
): Promise<Problem[]> {
  let request: AuthorizationRequest
  try {
    request = await authorizationRequest(connection, redirectUri)
  } catch (thrown) {
    return [pushedRequestProblem(thrown)]
  }
  const outcome = await followAuthorization(request, redirectUri)
  return problemOf(outcome, connection.provider, request, redirectUri) ?? []
}

/** A pushed authorization request was rejected. (RFC 9126, 2.3) */
function pushedRequestProblem(thrown: unknown): Problem {
  if (!(thrown instanceof OAuthError)) throw thrown
  const { problem, fix } = divide(thrown.hint ?? thrown.message)
  return error(
    'pushed_request_rejected',
    problem,
    fix ?? 'check clientId, clientSecret, scopes and the redirect URI',
  )
}

function problemOf(
  outcome: Outcome,
  provider: Provider,
  request: AuthorizationRequest,
  redirectUri: string,
): Problem[] | undefined {
  switch (outcome.kind) {
    case 'callback': {
      const found = errorResponseProblem(provider, request, redirectUri, outcome.params)
      return found && [found]
    }
    case 'elsewhere':
      return [elsewhereProblem(outcome, redirectUri)]
    case 'failed':
      // Browsers may reach it by a name that this machine does not have.
      return [
        as(
          'warning',
          networkProblem(outcome.failure, outcome.url, {
            what: 'the authorization endpoint',
            option: 'endpoints.authorization',
          }),
        ),
      ]
    case 'page':
      return pageProblem(outcome, request, redirectUri)
  }
}

/** The provider sends users to an address that is registered instead. */
function elsewhereProblem(
  { url, isCertain }: Extract<Outcome, { kind: 'elsewhere' }>,
  redirectUri: string,
): Problem {
  const at = url.origin + url.pathname
  const fix = redirectUriFix(redirectUri)
  return isCertain
    ? error(
        'redirect_uri_rejected',
        `the provider does not return to the redirect URI of this gate, but to ${at}, which is registered instead`,
        fix,
      )
    : warning(
        'redirect_uri_rejected',
        `the provider responds to the authorization request with a redirect to ${at}, without any parameter: this may be the address that is registered`,
        fix,
      )
}

function pageProblem(
  { status, body, url, isDirect }: ProviderPage,
  { url: requested, scopes }: AuthorizationRequest,
  redirectUri: string,
): Problem[] | undefined {
  const quoted = quote(textOf(body), [])
  const summary = `the provider responded to the authorization request with an error page (status ${status}): ${quoted}`
  switch (topicOf(body, url, isDirect && status >= 400)) {
    case 'redirect-uri':
      return [error('redirect_uri_rejected', summary, redirectUriFix(redirectUri))]
    case 'client':
      return [
        error(
          'client_unknown',
          summary,
          'check clientId: the provider does not know it, or it belongs to another tenant or region',
        ),
      ]
    case 'scope':
      return [
        error(
          'scope_rejected',
          summary,
          `allow these scopes for this client at the provider, or remove them: ${scopes.join(' ')}`,
        ),
      ]
    case undefined:
  }
  // Without its cookies, the next page of a provider may be an error page.
  return isDirect ? statusProblem(status, requested, summary) : undefined
}

/** An error page whose text is not recognized. */
function statusProblem(status: number, requested: string, summary: string): Problem[] | undefined {
  const endpoint = new URL(requested)
  const at = endpoint.origin + endpoint.pathname
  if (status === 404)
    return [
      error(
        'client_unknown',
        `${at} responded with status 404`,
        'check clientId, for which some providers have no page, and the authorization endpoint',
      ),
    ]
  // 401, 403 and 429 are also how a provider rejects programs that are not browsers.
  if (status < 400 || [401, 403, 429].includes(status)) return undefined
  return status >= 500
    ? [
        warning(
          'authorization_endpoint_failed',
          summary,
          'check the status page of the provider, and endpoints.authorization',
        ),
      ]
    : [
        error(
          'authorization_request_rejected',
          summary,
          'check clientId, the redirect URI and scopes at the provider',
        ),
      ]
}
