import type { Loss, StoredDecision } from '../access/user.js'
import type { Session } from './session.js'

/** A decision of rules in a stored session. The time is in milliseconds after its `createdAt`. */
export type PackedDecision = [
  fingerprint: string,
  at: number,
  allowed: 0 | 1,
  incomplete: 0 | 1,
  decidedBy: string | null,
  matched: readonly (readonly [list: string, entry: string])[],
  lost: Loss | null,
]

/** The decisions of a session as they are stored. */
export function packDecisions(
  verdicts: Session['verdicts'],
  createdAt: number,
): readonly PackedDecision[] {
  return Object.entries(verdicts).map(([fingerprint, decision]) => {
    const { at, allowed, incomplete, decidedBy, matched, matches, lost } = decision
    const all = matches ?? (matched === undefined ? [] : [matched])
    return [
      fingerprint,
      at - createdAt,
      allowed ? 1 : 0,
      incomplete === true ? 1 : 0,
      decidedBy ?? null,
      all.map(({ list, entry }) => [list, entry]),
      lost ?? null,
    ]
  })
}

/** Reads what {@link packDecisions} returned. */
export function unpackDecisions(
  packed: readonly PackedDecision[],
  createdAt: number,
): Session['verdicts'] {
  const verdicts: Record<string, StoredDecision> = {}
  for (const decision of packed) verdicts[decision[0]] = unpackDecision(decision, createdAt)
  return verdicts
}

function unpackDecision(packed: PackedDecision, createdAt: number): StoredDecision {
  const matches = packed[5].map(([list, entry]) => ({ list, entry }))
  return {
    at: createdAt + packed[1],
    allowed: packed[2] === 1,
    decidedBy: packed[4] ?? undefined,
    matched: matches[0],
    matches: matches.length > 1 ? matches : undefined,
    incomplete: packed[3] === 1 ? (true as const) : undefined,
    lost: packed[6] ?? undefined,
  }
}
