// Records the result and the number of cases of each test that a requirement (S-001 to S-118) names, for
// scripts/security-table.ts. Runs with every Jest run, and merges its results into those of earlier ones.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const ID = /\bS-\d{3}\b/

/** In the root, and not committed. `npm test` deletes it first. As in scripts/security-rows.ts. */
const RESULTS = '.security-results.json'

export default class SecurityReporter {
  #root
  #folder

  constructor({ rootDir }) {
    this.#root = rootDir
  }

  onRunStart() {
    this.#folder = mkdtempSync(join(tmpdir(), 'security-cases-'))
    // For the processes of the tests: see __tests__/support/cases.ts.
    process.env.SECURITY_CASES = join(this.#folder, 'cases')
  }

  onRunComplete(_, { testResults }) {
    try {
      this.#writeResults(testResults)
    } catch (error) {
      // Jest would end without its summary.
      console.error('the results for docs/security.md are not written:', error)
    }
  }

  #writeResults(testResults) {
    const cases = this.#readCases()
    rmSync(this.#folder, { recursive: true, force: true })
    const run = testResults.flatMap(({ testFilePath, testResults: tests }) =>
      tests
        .filter(({ status, fullName }) => /^(?:passed|failed)$/.test(status) && ID.test(fullName))
        .map(({ status, fullName }) => ({
          suite: relative(this.#root, testFilePath),
          name: fullName,
          status,
          cases: cases.get(`${testFilePath} ${fullName}`) ?? {},
        })),
    )
    const names = new Set(run.map(keyOf))
    const file = join(this.#root, RESULTS)
    const { node, tests: earlier } = readResults(file)
    const tests = [...earlier.filter((test) => !names.has(keyOf(test))), ...run]
    if (tests.length > 0) writeFileSync(file, JSON.stringify({ node, tests }))
  }

  /** The cases of each test, by requirement. */
  #readCases() {
    const cases = new Map()
    for (const line of readText(process.env.SECURITY_CASES).split('\n').filter(Boolean)) {
      const [path, name, count, ids] = JSON.parse(line)
      const key = `${path} ${name}`
      const counts = cases.get(key) ?? {}
      for (const id of ids ?? name?.match(new RegExp(ID, 'g')) ?? [])
        counts[id] = (counts[id] ?? 0) + count
      cases.set(key, counts)
    }
    return cases
  }
}

/** The results of earlier runs, which may have run other tests. */
function readResults(file) {
  const text = readText(file)
  return text === '' ? { node: process.version, tests: [] } : JSON.parse(text)
}

function keyOf({ suite, name }) {
  return `${suite} ${name}`
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
