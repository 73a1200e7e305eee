import { isObject, parseJson } from '../../http/json.js'
import { isLoopback } from '../../http/origin.js'
import { metadataUrl } from '../../middleware/resource-metadata.js'
import { certificateProblems } from './certificate.js'
import { error, note, type Problem, warning } from './finding.js'
import { checkGateLogin, type ExpectedLogin } from './gate-login-check.js'
import { as, networkProblem } from './network.js'
import { type Probed, probe } from './probe.js'

/** What the gate at the public URL should do. */
export interface ExpectedGate extends ExpectedLogin {
  readonly basePath: string
  /** The resource of access tokens (RFC 8707); `undefined` if none are accepted. */
  readonly resource: string | undefined
}

type Answer = Extract<Probed, { readonly status: number }>

/**
 * Asks the running gate through its public URL: whether the URL reaches it, and which origin it
 * sees. A gate that does not run is not a mistake of the configuration.
 */
export async function checkPublicUrl(expected: ExpectedGate): Promise<Problem[]> {
  const { publicUrl, basePath } = expected
  const special = publicUrl + basePath
  const [certificates, answer] = await Promise.all([
    certificateProblems(publicUrl, 'the public URL'),
    probe(`${special}/session`, { headers: { accept: 'application/json' } }),
  ])
  if (answer.failure !== undefined) {
    const problem = unreachable(answer.failure, publicUrl)
    return certificates.some(({ code }) => code === problem.code)
      ? certificates
      : [...certificates, problem]
  }
  const problem = otherAnswer(answer, special)
  if (problem !== undefined) return [...certificates, problem]
  return [
    ...certificates,
    ...(await checkGateLogin(expected, special)),
    ...(await checkMetadata(expected.resource)),
  ]
}

/** Whether clients find the authorization server. (RFC 9728, 3) */
async function checkMetadata(resource: string | undefined): Promise<Problem[]> {
  if (resource === undefined) return []
  const url = metadataUrl(resource)
  const answer = await probe(url, { headers: { accept: 'application/json' } })
  const json = answer.failure === undefined ? parseJson(answer.body) : undefined
  if (isObject(json) && json['resource'] === resource) return []
  const found =
    answer.failure === undefined ? `responds with status ${answer.status}` : 'does not respond'
  return [
    warning(
      'resource_metadata_missing',
      `${url} ${found}, and not with the metadata of ${resource}, from which clients such as those of MCP learn where to sign in`,
      'have the proxy in front of the gate pass this path on; a gate with a path needs app.use(auth.resourceMetadata()) at the root',
    ),
  ]
}

function unreachable(failure: unknown, publicUrl: string): Problem {
  const { hostname, host } = new URL(publicUrl)
  const problem = networkProblem(failure, publicUrl, { what: 'the public URL', option: 'baseUrl' })
  if (problem.code !== 'connection_refused' && problem.code !== 'no_connection') return problem
  const text = `nothing responds at the public URL ${publicUrl}, so that cookies and proxy headers could not be checked there`
  return isLoopback(hostname)
    ? note('gate_not_running', text, 'start the gate, and run the doctor again')
    : as(
        'warning',
        note(
          'gate_not_running',
          text,
          `start the gate and the proxy in front of it, or correct baseUrl; this machine may also be unable to reach ${host} from inside`,
        ),
      )
}

/** `undefined` if the answer is that of a gate. */
function otherAnswer({ status, headers, body }: Answer, special: string): Problem | undefined {
  const json = parseJson(body)
  if (status === 200 && isObject(json) && 'user' in json && 'loginUrl' in json) return undefined
  const location = headers.get('location')
  if (status >= 300 && status < 400 && location !== null)
    return error(
      'public_url_redirects',
      `the public URL redirects ${special}/session to ${withoutQuery(location, special)}`,
      'set baseUrl to the URL that users see in the end, and exempt the paths of the gate from other redirects and logins',
    )
  if ([502, 503, 504].includes(status))
    return warning(
      'gate_not_running',
      `the proxy at the public URL responds with status ${status}: it does not reach the gate`,
      'start the gate, or correct the upstream of the proxy',
    )
  return error(
    'other_server',
    `${special}/session responds with status ${status}, and not as this gate would: the public URL leads to another server, or to a gate with another basePath`,
    'correct baseUrl, or have the proxy forward it, with all paths below, to the gate',
  )
}

function withoutQuery(location: string, base: string): string {
  if (!URL.canParse(location, base)) return 'an invalid URL'
  const { origin, pathname } = new URL(location, base)
  return origin + pathname
}
