import { isObject, parseJson } from '../../http/json.js'
import { error, note, type Problem, warning } from './finding.js'
import { NAVIGATION, type Probed, probe } from './probe.js'

/** What a login at the running gate should send to the provider. */
export interface ExpectedLogin {
  /** Without a slash at the end. */
  readonly publicUrl: string
  readonly provider: string
  readonly clientId: string
  readonly redirectUri: string
}

type Answer = Extract<Probed, { readonly status: number }>

/**
 * Starts a login at the running gate, and compares its authorization request: it contains the
 * redirect URI, and with it the origin that the gate sees behind its proxies.
 */
export async function checkGateLogin(expected: ExpectedLogin, special: string): Promise<Problem[]> {
  const url = `${special}/authn?connection=${encodeURIComponent(expected.provider)}`
  const first = await probe(url, { headers: NAVIGATION })
  if (first.failure !== undefined) return []
  const moved = movedTo(first, url)
  if (moved === undefined) return loginProblems(first, expected)
  // The gate moves a login to the host of its baseUrl, once.
  const second = await probe(moved.href, { headers: NAVIGATION })
  const host = warning(
    'host_rewritten',
    'the gate sees another host than the one that browsers use: a proxy in front replaces the header Host',
    'have the proxy pass the header on (nginx: `proxy_set_header Host $host`)',
  )
  return second.failure === undefined ? [host, ...loginProblems(second, expected)] : [host]
}

/** The same path again, on the host that the gate takes for the public one. */
function movedTo({ headers }: Answer, url: string): URL | undefined {
  const location = headers.get('location')
  if (location === null || !URL.canParse(location, url)) return undefined
  const target = new URL(location, url)
  return target.pathname === new URL(url).pathname ? target : undefined
}

function loginProblems(answer: Answer, expected: ExpectedLogin): Problem[] {
  const location = answer.headers.get('location')
  if (answer.status !== 302 || location === null || !URL.canParse(location))
    return [rejectedLogin(answer, expected)]
  const { searchParams } = new URL(location)
  const redirectUri = searchParams.get('redirect_uri')
  const clientId = searchParams.get('client_id')
  if (clientId !== null && clientId !== expected.clientId)
    return [
      error(
        'other_gate',
        'the gate at the public URL uses another client ID than this configuration: another gate runs there, or one that was not restarted',
        'restart the gate with this configuration, or correct baseUrl',
      ),
    ]
  const cookies = cookieProblem(answer.headers.getSetCookie(), expected.publicUrl)
  // A pushed request has none. (RFC 9126, 2.2)
  const origin = redirectUri === null ? undefined : originProblem(redirectUri, expected)
  return [origin, cookies].filter((one) => one !== undefined)
}

function rejectedLogin({ status, body }: Answer, { publicUrl }: ExpectedLogin): Problem {
  const code = errorCodeIn(body)
  if (code === 'misconfigured' && publicUrl.startsWith('https:'))
    return error(
      'login_rejected',
      'the running gate rejects logins with the error misconfigured: probably it sees plain http, because the proxy in front does not report https',
      'restart the gate with baseUrl, or have the proxy send X-Forwarded-Proto and name it in trustedProxy',
    )
  return status === 404
    ? note(
        'gate_login_unknown',
        'the running gate has no provider of this name, so that its logins could not be checked',
        'restart the gate with this configuration',
      )
    : error(
        'login_rejected',
        `the running gate does not start a login: it responds with status ${status}${code === undefined ? '' : ` and the error ${code}`}`,
        'read its log, which has the reason and a hint',
      )
}

/** The error code of the gate: in JSON, because `fetch` does not navigate. */
function errorCodeIn(body: string): string | undefined {
  const json = parseJson(body)
  const code = isObject(json) ? json['error'] : undefined
  return typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? code : undefined
}

function originProblem(sent: string, { redirectUri }: ExpectedLogin): Problem | undefined {
  if (sent === redirectUri || !URL.canParse(sent)) return undefined
  const [seen, wanted] = [new URL(sent), new URL(redirectUri)]
  const summary = `the running gate sends the redirect URI ${seen.origin}${seen.pathname} instead of ${redirectUri}`
  if (seen.host === wanted.host && seen.protocol !== wanted.protocol)
    return error(
      'scheme_differs',
      `${summary}: it sees ${seen.protocol.slice(0, -1)}, because the proxy in front ends TLS`,
      'restart the gate with baseUrl, or have the proxy send X-Forwarded-Proto and name it in trustedProxy',
    )
  if (seen.hostname === wanted.hostname && seen.port !== wanted.port)
    return error(
      'host_differs',
      `${summary}: it does not see the port that browsers use`,
      'restart the gate with baseUrl, or have the proxy pass on the header Host with its port (nginx: `proxy_set_header Host $http_host`)',
    )
  if (seen.host !== wanted.host)
    return error(
      'host_differs',
      `${summary}: it sees the host ${seen.host}`,
      'restart the gate with baseUrl, or have the proxy pass on the header Host (nginx: `proxy_set_header Host $host`)',
    )
  return error(
    'path_differs',
    `${summary}: the proxy changes the path`,
    'restart the gate with baseUrl, including the path prefix that the proxy removes',
  )
}

/** The cookie of the login must arrive in the browser, and over https have the flag Secure. */
function cookieProblem(cookies: readonly string[], publicUrl: string): Problem | undefined {
  if (cookies.length === 0)
    return error(
      'cookie_removed',
      'the response of the running gate arrives without its cookie: a proxy in front removes Set-Cookie',
      'have the proxy pass on Set-Cookie of the paths of the gate, and exempt them from its cache',
    )
  const isInsecure = cookies.some((cookie) => !/;\s?secure/i.test(cookie))
  return publicUrl.startsWith('https:') && isInsecure
    ? warning(
        'cookie_without_secure',
        'over https, the cookie of the running gate lacks the flag Secure',
        'leave out cookie.secure, and restart the gate with baseUrl',
      )
    : undefined
}
