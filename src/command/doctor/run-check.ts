import { withTimeout } from '../../http/timeout.js'
import { type CheckName, type Finding, type Problem, warning } from './finding.js'

/** No check takes longer, whatever the servers do. */
export const CHECK_TIMEOUT_MS = 30_000

/** The findings of one check. Never rejects: a check that fails or takes too long is a finding. */
export async function runCheck(
  check: CheckName,
  provider: string | undefined,
  work: () => Problem[] | Promise<Problem[]>,
  timeoutMs = CHECK_TIMEOUT_MS,
): Promise<Finding[]> {
  const problems = await withTimeout(timeoutMs, `the check of ${check}`, work).catch(failed)
  return problems.map((problem) => ({
    check,
    ...(provider !== undefined && { provider }),
    ...problem,
  }))
}

function failed(thrown: unknown): Problem[] {
  const message = thrown instanceof Error ? thrown.message : 'an unknown error'
  return [
    warning(
      'check_failed',
      `this could not be checked: ${message}`,
      'run the doctor again; if the message stays the same, report it as a bug',
    ),
  ]
}
