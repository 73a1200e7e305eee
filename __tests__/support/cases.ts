import { appendFileSync } from 'node:fs'
import { expect } from '@jest/globals'

/**
 * Counts these as tried by the test that is running, for the table in docs/security.md, and returns
 * them. A test that does not call this counts as one case.
 *
 * @param idsOf The requirements that a case is about, if the test names several.
 */
export function tried<T>(cases: Iterable<T>, idsOf?: (one: T) => readonly string[]): T[] {
  const all = [...cases]
  if (idsOf === undefined) triedTimes(all.length)
  else for (const one of all) triedTimes(1, idsOf(one))
  return all
}

/** As {@link tried}, for cases that are not in a list. */
export function triedTimes(count: number, ids?: readonly string[]): void {
  // Set by scripts/security-reporter.js.
  const file = process.env['SECURITY_CASES']
  if (file === undefined) return
  const { currentTestName, testPath } = expect.getState()
  appendFileSync(file, `${JSON.stringify([testPath, currentTestName, count, ids])}\n`)
}
