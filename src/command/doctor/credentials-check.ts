import { randomBytes } from 'node:crypto'
import type { Connection } from '../../flows/connection.js'
import { OAuthError } from '../../http/errors.js'
import { randomId } from '../../http/ids.js'
import { divide, error, type FindingCode, note, type Problem, warning } from './finding.js'

/**
 * Whether the provider accepts the client, by a token request with a code that does not exist. It
 * cannot sign in anyone: the provider rejects the client, or else the code. (RFC 6749, 5.2)
 */
export async function checkCredentials(
  { client }: Connection,
  redirectUri: string,
): Promise<Problem[]> {
  try {
    await client.redeem({
      code: randomBytes(20).toString('hex'),
      redirectUri,
      nonce: randomId(),
      codeVerifier: randomId(),
      address: undefined,
      requestedScopes: [],
      authenticatedSince: undefined,
    })
  } catch (thrown) {
    return problemOf(thrown)
  }
  return [
    warning(
      'accepts_any_code',
      'the token endpoint issues tokens for an authorization code that does not exist',
      'check endpoints.token: this is not the token endpoint of a real provider',
    ),
  ]
}

function problemOf(thrown: unknown): Problem[] {
  if (!(thrown instanceof OAuthError)) throw thrown
  const { problem, fix } = divide(thrown.hint ?? thrown.message)
  switch (thrown.code) {
    // The client was accepted, and the code was not.
    case 'login_expired':
    case 'access_denied':
    case 'email_unverified':
      return []
    case 'misconfigured':
      return [
        error(codeOf(thrown.hint), problem, fix ?? 'check clientId, clientSecret and clientAuth'),
      ]
    case 'provider_busy':
      return [warning('provider_busy', problem, 'run the doctor again later')]
    case 'provider_timeout':
    case 'provider_unreachable':
      return [
        error(
          'token_endpoint_unreachable',
          problem,
          fix ?? 'check endpoints.token, and the network of this machine',
        ),
      ]
    default:
      return [
        note(
          'credentials_unknown',
          `the client credentials could not be verified: ${problem}`,
          'sign in once to be sure that clientId and clientSecret are right',
        ),
      ]
  }
}

function codeOf(hint = ''): FindingCode {
  if (hint.includes('register exactly this redirect URI')) return 'redirect_uri_rejected'
  return hint.includes('rejected the client') ? 'client_rejected' : 'token_request_rejected'
}
