import { expect } from '@jest/globals'
import fc from 'fast-check'

/** Cases of each property. CI runs more, with another seed each time. */
const cases = Number(process.env['GENERATED_CASES'] ?? 200)
/** A failure prints seed and path: `GENERATED_SEED=…` repeats the run. */
const seed = Number(process.env['GENERATED_SEED'] ?? 20_261_128)

/** Long enough for a million cases. */
export const GENERATED_TIMEOUT = Number(process.env['GENERATED_TIMEOUT'] ?? 1_200_000)

/**
 * Checks generated cases. `share` is the part of the cases that is run: requests take longer than
 * functions.
 */
export async function forAll<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => void | Promise<void>,
  share = 1,
): Promise<void> {
  let count = 0
  const property = fc.asyncProperty(arbitrary, async (value) => {
    count++
    await check(value)
  })
  const numRuns = Math.ceil(cases * share)
  await fc.assert(property, { seed, numRuns, endOnFailure: false })
  expect(count).toBeGreaterThanOrEqual(numRuns)
}

/** A text of these parts, and of any characters. */
export function textOf(...parts: string[]): fc.Arbitrary<string> {
  const part = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...parts) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4 }) },
  )
  return fc.array(part, { maxLength: 8 }).map((all) => all.join(''))
}

/** Any value that JSON can express, sometimes with member names that are special in JavaScript. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, '', 0, -1, 1e308, true, [], {}, '__proto__', 'constructor', '\u0000'),
)
