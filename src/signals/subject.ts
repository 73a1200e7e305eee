import { isObject } from '../http/json.js'
import { asString } from '../oauth/claims.js'
import type { Subject, UserIdentifier } from './signal.js'

type JsonObject = Readonly<Record<string, unknown>>

/** RFC 9493, 3.2.8: several identifiers of the same subject. */
const MAX_ALIASES = 16

const NOTHING: Subject = { users: [], sessions: [], unsupported: [] }

/** Members of a complex subject that sessions do not show. */
const CONTEXT_MEMBERS = ['device', 'tenant', 'org_unit', 'group', 'application']

/**
 * Reads a subject of a security event token. (RFC 9493; SSF 1.0, 3; earlier drafts, which Google
 * uses, have `subject_type` instead of `format`.)
 */
export function readSubject(value: unknown): Subject {
  if (!isObject(value)) return unsupported('a malformed subject')
  const isComplex = formatOf(value) === 'complex' || (!hasFormat(value) && isObject(value['user']))
  return isComplex || (!hasFormat(value) && isObject(value['session']))
    ? readComplex(value)
    : { ...NOTHING, ...readUser(value) }
}

/** Members of a complex subject that were not interpreted. (SSF 1.0, 3.6) */
export function uninterpretedMembers(value: unknown, critical: readonly string[]): string[] {
  if (!isObject(value)) return []
  return critical.filter((name) => name in value && !['user', 'session', 'format'].includes(name))
}

/** SSF 1.0, 3.3: all members describe the same subject. */
function readComplex({ user, session, ...others }: JsonObject): Subject {
  const { users, unsupported: unknownUser } = user === undefined ? NOTHING : readUser(user)
  const ids = session === undefined ? [] : sessionIds(session)
  const isUnknownSession = session !== undefined && ids.length === 0
  const context = CONTEXT_MEMBERS.filter((name) => name in others)
  const isEmpty = users.length === 0 && ids.length === 0
  return {
    users,
    sessions: ids,
    unsupported: [
      ...unknownUser,
      ...(isUnknownSession ? ['session'] : []),
      // The other members are those of the user. A device is one of several.
      ...context.filter((name) => isEmpty || (name === 'device' && ids.length === 0)),
    ],
  }
}

function readUser(value: unknown, mayBeAliases = true): Pick<Subject, 'users' | 'unsupported'> {
  if (!isObject(value)) return unsupported('a malformed subject')
  const format = formatOf(value)
  if (format === 'aliases' && mayBeAliases) return readAliases(value['identifiers'])
  const users = identifiersOf(format, value)
  return users.length > 0 ? { users, unsupported: [] } : unsupported(format)
}

function identifiersOf(format: string, value: JsonObject): readonly UserIdentifier[] {
  switch (format) {
    case 'iss_sub':
      return subjectOf(value)
    // An ID token's claims. (RISC 1.0, drafts; Google)
    case 'id_token_claims':
      return [...subjectOf(value), ...emailOf(value['email'])]
    case 'email':
      return emailOf(value['email'])
    case 'account':
    case 'uri':
      return accountOf(asString(value['uri']))
    case 'opaque': {
      const id = asString(value['id'])
      return id === undefined ? [] : [{ by: 'opaque', id }]
    }
    default:
      return []
  }
}

function subjectOf({ iss, sub }: JsonObject): readonly UserIdentifier[] {
  const [issuer, subject] = [asString(iss), asString(sub)]
  return issuer === undefined || subject === undefined ? [] : [{ by: 'subject', issuer, subject }]
}

function emailOf(value: unknown): readonly UserIdentifier[] {
  const email = asString(value)
  return email?.includes('@') === true ? [{ by: 'email', email }] : []
}

/** `acct:user@host` (RFC 7565) has the form of an address, and usually is one. */
function accountOf(uri: string | undefined): readonly UserIdentifier[] {
  const [, encoded] = /^(?:acct|mailto):([^?#]+)$/i.exec(uri ?? '') ?? []
  if (encoded === undefined) return []
  try {
    return emailOf(decodeURIComponent(encoded))
  } catch {
    return []
  }
}

function readAliases(identifiers: unknown): Pick<Subject, 'users' | 'unsupported'> {
  if (!Array.isArray(identifiers) || identifiers.length > MAX_ALIASES) return unsupported('aliases')
  const all = identifiers.map((identifier) => readUser(identifier, false))
  const users = all.flatMap((one) => one.users)
  return { users, unsupported: users.length > 0 ? [] : all.flatMap((one) => one.unsupported) }
}

/** The IDs of a session: `opaque`, or `iss_sub` with the ID as `sub`. */
function sessionIds(value: unknown): readonly string[] {
  const { users } = readUser(value)
  return users.flatMap((identifier) => {
    if (identifier.by === 'opaque') return [identifier.id]
    return identifier.by === 'subject' ? [identifier.subject] : []
  })
}

function hasFormat(value: JsonObject): boolean {
  return 'format' in value || 'subject_type' in value
}

/** Earlier drafts write `iss-sub`. */
function formatOf({ format, subject_type: type }: JsonObject): string {
  const name = asString(format ?? type) ?? ''
  return /^[a-z0-9_-]{1,40}$/.test(name) ? name.replaceAll('-', '_') : 'an unknown format'
}

function unsupported(what: string): Subject {
  return { ...NOTHING, unsupported: [what] }
}
