import { isObject } from '../../http/json.js'
import type { ImportDraft } from '../draft.js'

type Source = Readonly<Record<string, unknown>>

/** The headers that `headerPrefix` sets, by the claim that they contain. */
const claims: Readonly<Record<string, string>> = {
  user: 'user',
  email: 'email',
  groups: 'groups',
  preferred_username: 'preferred-username',
  access_token: 'access-token',
}

/** Headers of the alpha configuration become the settings that set the same headers. */
export function convertInjected(
  source: Source,
  settings: Record<string, unknown>,
  draft: ImportDraft,
): void {
  const requests = namesOf(source, 'injectRequestHeaders', 'x-forwarded-', draft)
  settings['pass_user_headers'] = requests.some((name) => name !== 'access-token')
  settings['pass_basic_auth'] = settings['pass_user_headers']
  const responses = namesOf(source, 'injectResponseHeaders', 'x-auth-request-', draft)
  settings['set_xauthrequest'] = responses.some((name) => name !== 'access-token')
  settings['pass_access_token'] = [...requests, ...responses].includes('access-token')
}

/** What follows the prefix in the headers that are converted. Reports the others. */
function namesOf(
  source: Source,
  member: string,
  prefix: string,
  draft: ImportDraft,
): readonly string[] {
  const headers = source[member]
  if (headers === undefined || headers === null) return []
  if (!Array.isArray(headers) || !headers.every(isObject)) {
    draft.mistake(member, 'must be an array of objects')
    return []
  }
  return headers.flatMap((header, index) => {
    const path = `${member}[${index}]`
    const { name } = header
    if (typeof name !== 'string') return draft.mistake(`${path}.name`, 'must be a string') ?? []
    const claim = claimOf(header)
    const end = claim !== undefined && Object.hasOwn(claims, claim) ? claims[claim] : undefined
    if (end !== undefined && name.toLowerCase() === prefix + end) return [end]
    draft.cannot(
      `${path} (${name})`,
      'is not one of the headers of headerPrefix: read one of those in the app.',
    )
    return []
  })
}

/** The claim of a header with this one value, and nothing around it. */
function claimOf({ values }: Source): string | undefined {
  const [only, second]: readonly unknown[] = Array.isArray(values) ? (values as unknown[]) : []
  if (!isObject(only) || second !== undefined) return undefined
  const source = isObject(only['claimSource']) ? only['claimSource'] : only
  const { claim, ...more } = source
  return typeof claim === 'string' && Object.keys(more).length === 0 ? claim : undefined
}
