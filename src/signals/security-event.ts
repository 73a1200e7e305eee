import { isObject, parseJson } from '../http/json.js'
import { asString } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import { checkTimes, IdTokenError } from '../oauth/jwt-checks.js'
import { UnknownKeyError, verifySignature } from '../oauth/jwt.js'
import { PUBLIC_KEY_ALGORITHMS } from '../oauth/signing-algorithms.js'
import { MAX_AGE_MS } from './inbox.js'
import { SetError } from './set-error.js'
import { isSameIssuer } from './issuer.js'
import type { Transmitter } from './transmitter.js'

/** A verified security event token. (RFC 8417, 2.2) */
export interface SecurityEvent {
  readonly jti: string
  /** Events by the URI of their type. */
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** `sub_id`; in earlier drafts, each event has its own. */
  readonly subject: unknown
  /** When it was issued. Milliseconds. */
  readonly issuedAt: number
  /** When the event happened, as far as the token states it. Milliseconds. */
  readonly happenedAt: number
  /** Members that a subject must not have unless they are understood. */
  readonly criticalMembers: readonly string[]
}

const TOKEN_NAME = 'the security event token'
const MAX_EVENTS = 8

/** The issuer of a token, before verification: it decides who verifies the token. */
export function unverifiedIssuer(token: string): string | undefined {
  const [, payload = ''] = token.split('.')
  const claims = parseJson(Buffer.from(payload, 'base64url').toString())
  return isObject(claims) ? asString(claims['iss']) : undefined
}

/**
 * Verifies a token. Throws a {@link SetError} if it is invalid, and a `ProviderError` if that cannot
 * be decided: then its sender should repeat it. (RFC 8417, 2 and 4; SSF 1.0, 4.1)
 */
export async function verifySecurityEvent(
  token: string,
  transmitter: Transmitter,
  clockToleranceMs: number,
): Promise<SecurityEvent> {
  const { issuer, isLegacy, criticalMembers } = await transmitter.tokenMetadata()
  const { claims } = await verifySignature(token, transmitter.keySource(), {
    tokenName: TOKEN_NAME,
    algorithms: PUBLIC_KEY_ALGORITHMS,
    types: isLegacy ? ['secevent+jwt', 'jwt'] : ['secevent+jwt'],
    acceptsKey: undefined,
  }).catch(rejectToken)
  checkParties(claims, issuer, transmitter)
  checkAge(claims, clockToleranceMs)
  const jti = asString(claims['jti'])
  if (jti === undefined) throw new SetError('invalid_request', 'the token has no jti')
  // Only ID tokens have one. (RFC 8417, 4.5)
  if (claims['nonce'] !== undefined)
    throw new SetError('invalid_request', 'a security event token must not have a nonce')
  const issuedAt = Math.floor(Number(claims['iat'])) * 1000
  const events = readEvents(claims['events'])
  const happenedAt = Math.min(happenedAtOf(claims, events) ?? issuedAt, issuedAt)
  return { jti, events, subject: subjectOf(claims), issuedAt, happenedAt, criticalMembers }
}

/** A failure to fetch the keys is not a fault of the token. */
function rejectToken(error: unknown): never {
  if (error instanceof UnknownKeyError || !(error instanceof IdTokenError)) throw error
  const hint = error.hint ?? 'the token is invalid'
  throw new SetError(hint.startsWith('no key ') ? 'invalid_key' : 'invalid_request', hint)
}

function checkParties({ iss, aud }: Claims, issuer: string, { config }: Transmitter): void {
  if (typeof iss !== 'string' || !isSameIssuer(iss, issuer))
    throw new SetError('invalid_issuer', 'the token has another issuer')
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.some((one) => config.audience.some((ours) => ours === one)))
    throw new SetError(
      'invalid_audience',
      'the token is for another audience: see the option audience',
    )
}

function checkAge(claims: Claims, clockToleranceMs: number): void {
  try {
    const clockTolerance = clockToleranceMs / 1000
    checkTimes(claims, { tokenName: TOKEN_NAME, clockTolerance, requiresIssuedAt: true })
  } catch (error) {
    rejectToken(error)
  }
  if (Number(claims['iat']) * 1000 < Date.now() - MAX_AGE_MS)
    throw new SetError('invalid_request', 'the token is older than 7 days')
}

function readEvents(value: unknown): SecurityEvent['events'] {
  const entries = isObject(value) ? Object.entries(value) : []
  if (entries.length === 0 || entries.length > MAX_EVENTS)
    throw new SetError('invalid_request', 'the token has no events, or too many')
  return Object.fromEntries(
    entries.map(([uri, event]) => {
      if (!isObject(event)) throw new SetError('invalid_request', 'an event is not an object')
      return [uri, event] as const
    }),
  )
}

/** Seconds; earlier drafts of CAEP have milliseconds. `toe` is of RFC 8417, 2.2. */
function happenedAtOf({ toe }: Claims, events: SecurityEvent['events']): number | undefined {
  const [event] = Object.values(events)
  const time = event?.['event_timestamp'] ?? toe
  if (typeof time !== 'number' || !Number.isFinite(time) || time <= 0) return undefined
  return time > 1e11 ? time : time * 1000
}

/** `sub_id` (RFC 9493, 4.1), or `iss` and `sub` (RFC 8417, 2.2). */
function subjectOf({ sub_id: subject, iss, sub }: Claims): unknown {
  if (subject !== undefined || sub === undefined) return subject
  return { format: 'iss_sub', iss, sub }
}
