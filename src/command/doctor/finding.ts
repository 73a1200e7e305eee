import type { FINDING_CODES } from './finding-codes.js'

/** `error`: logins or sessions will fail. `warning`: they may. `note`: nothing is wrong. */
export type Severity = 'error' | 'warning' | 'note'

/** What the doctor checks, in the order in which findings are printed. */
export const CHECKS = [
  'options',
  'secret',
  'rules',
  'cookies',
  'provider',
  'authorization',
  'credentials',
  'bearer',
  'store',
  'public-url',
  'target',
] as const

/** The name of a check. */
export type CheckName = (typeof CHECKS)[number]

/** The code of a finding: a row of the table in `docs/doctor.md`. */
export type FindingCode = (typeof FINDING_CODES)[number]

/** What one check has found, in plain sentences without secrets. */
export interface Finding {
  readonly check: CheckName
  readonly severity: Severity
  /** Stable: use it to tell findings apart. */
  readonly code: FindingCode
  /** The provider that the finding is about; with `bearer`, the issuer of the tokens. */
  readonly provider?: string | undefined
  readonly problem: string
  /** What to do about it. */
  readonly fix: string
}

/** A finding before its check and provider are added. */
export type Problem = Omit<Finding, 'check' | 'provider'>

/** A problem because of which logins or sessions will fail. */
export function error(code: FindingCode, problem: string, fix: string): Problem {
  return { severity: 'error', code, problem: sentence(problem), fix: sentence(fix) }
}

/** A problem because of which logins or sessions may fail. */
export function warning(code: FindingCode, problem: string, fix: string): Problem {
  return { severity: 'warning', code, problem: sentence(problem), fix: sentence(fix) }
}

/** Something to know: nothing is wrong. */
export function note(code: FindingCode, problem: string, fix: string): Problem {
  return { severity: 'note', code, problem: sentence(problem), fix: sentence(fix) }
}

/** Upper case at the start, unless it starts with a name, and a period at the end. */
export function sentence(text: string): string {
  const trimmed = text.trim()
  const [word = ''] = trimmed.split(' ', 1)
  const start = /^[a-z]+,?$/.test(word)
    ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
    : trimmed
  return /[.!?]$/.test(start) ? start : `${start}.`
}

/** The first words of a fix in the messages of this package. */
const FIX =
  /^(?:set|leave|add|use|call|wrap|name|check|register|write|choose|renew|correct|list|remove|allow|start|serve|pass|extend|synchronize|call|close|accept|is the|are the|are tenant|with microsoft|unset|if )/i

/** Divides a message of this package, such as a hint, into the problem and its fix. */
export function divide(text: string): {
  readonly problem: string
  readonly fix: string | undefined
} {
  const parts = text.split(/(: |\. |; )/)
  for (let index = 2; index < parts.length; index += 2) {
    const fix = parts
      .slice(index)
      .join('')
      .replace(/^Hint: /, '')
    if (FIX.test(fix)) return { problem: parts.slice(0, index - 1).join(''), fix }
  }
  return { problem: text, fix: undefined }
}
