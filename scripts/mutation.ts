// `npm run mutation [S-001 …]`: removes one guard after another in a copy of the project, and runs the tests that are named
// after its requirement, which must fail. Takes an hour; results are kept in .mutation-results.json, so that a run that
// was interrupted continues. `--again` forgets them, `--list` prints them.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mutation, mutations, WITHOUT_GUARD } from './mutations.js'
import { readNamedTests, readRequirements, root } from './security-catalog.js'

/** `survived`: a test is missing. `broken`: the mutation or the tests do not run, so that nothing was shown. */
type Outcome = 'killed' | 'survived' | 'broken'

interface Result {
  readonly outcome: Outcome
  /** The mutation as it was then: a changed one is run again. */
  readonly mutation: string
  readonly seconds: number
  readonly detail: string
}

const RESULTS = join(root, '.mutation-results.json')
const JEST = join(root, 'node_modules/jest/bin/jest.js')
const TIMEOUT_MS = 600_000

checkTable()
const wanted = process.argv.slice(2).filter((argument) => /^S-\d{3}$/.test(argument))
const results = readResults()
if (!process.argv.includes('--list')) run()
report()

function run(): void {
  const copy = copyProject()
  const clean = () => rmSync(copy, { recursive: true, force: true })
  process.once('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  for (const mutation of mutations) {
    if (wanted.length > 0 ? !wanted.includes(mutation.id) : isKnown(mutation)) continue
    results[mutation.id] = resultOf(mutation, copy)
    const { outcome, seconds, detail } = results[mutation.id] as Result
    console.log(
      `${mutation.id} ${outcome} (${seconds} s): ${mutation.guard}${detail && `: ${detail}`}`,
    )
    writeFileSync(RESULTS, JSON.stringify(results, undefined, 1))
  }
}

/** Every requirement has a mutation or a reason, and every text occurs exactly once. */
function checkTable(): void {
  const ids = [...mutations.map(({ id }) => id), ...Object.keys(WITHOUT_GUARD)]
  const problems = readRequirements()
    .filter(({ id }) => ids.filter((known) => known === id).length !== 1)
    .map(({ id }) => `${id} needs exactly one mutation, or a reason`)
  for (const { id, edits } of mutations)
    for (const { file, find } of edits) {
      const count = readFileSync(join(root, file), 'utf8').split(find).length - 1
      if (count !== 1)
        problems.push(`${id}: ${file} contains this ${count} times instead of once: ${find}`)
    }
  if (problems.length === 0) return
  console.error(problems.join('\n'))
  process.exit(1)
}

/** The files of the working tree, with the installed packages and the build of the original. */
function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'))
  const list = ['ls-files', '-co', '--exclude-standard']
  const files = spawnSync('git', list, { cwd: root, encoding: 'utf8' }).stdout.trim().split('\n')
  for (const file of files)
    if (existsSync(join(root, file)))
      cpSync(join(root, file), join(copy, file), { recursive: true })
  for (const folder of ['node_modules', 'dist'])
    if (existsSync(join(root, folder))) symlinkSync(join(root, folder), join(copy, folder))
  return copy
}

function resultOf(mutation: Mutation, copy: string): Result {
  const startedAt = performance.now()
  const originals = new Map<string, string>()
  for (const { file, find, replace } of mutation.edits) {
    const text = readFileSync(join(copy, file), 'utf8')
    if (!originals.has(file)) originals.set(file, text)
    writeFileSync(
      join(copy, file),
      text.replace(find, () => replace),
    )
  }
  const { outcome, detail } = runTests(mutation.id, copy)
  for (const [file, text] of originals) writeFileSync(join(copy, file), text)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  return { outcome, mutation: JSON.stringify(mutation.edits), seconds, detail }
}

/** The corpora take longest, and run only if no other test has failed. */
function runTests(id: string, copy: string): { outcome: Outcome; detail: string } {
  const suites = new Set(
    readNamedTests()
      .filter(({ ids, extension }) => ids.includes(id) && extension === 'test.ts')
      .map(({ suite }) => `__tests__/${suite}.test.ts`),
  )
  const isSlow = (suite: string) => /\/(?:corpora|browser)\//.test(suite)
  let ran = 0
  for (const group of [[...suites].filter((suite) => !isSlow(suite)), [...suites].filter(isSlow)]) {
    if (group.length === 0) continue
    const { failed, passed, broken } = jest(id, group, copy)
    if (failed !== undefined) return { outcome: 'killed', detail: failed }
    if (broken !== undefined) return { outcome: 'broken', detail: broken }
    ran += passed
  }
  if (ran === 0) return { outcome: 'broken', detail: 'no test is named after it' }
  return { outcome: 'survived', detail: `${ran} tests passed` }
}

interface Run {
  readonly passed: number
  /** The first test that failed, and how. */
  readonly failed?: string | undefined
  readonly broken?: string | undefined
}

interface JestOutput {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

function jest(id: string, suites: readonly string[], copy: string): Run {
  const output = join(copy, '.mutation-output.json')
  rmSync(output, { force: true })
  const pattern = ['-t', `${id}(?!\\d)`, '--runTestsByPath', ...suites]
  const options = ['--runInBand', '--forceExit', '--json', `--outputFile=${output}`]
  const { signal, stderr } = spawnSync(process.execPath, [JEST, ...options, ...pattern], {
    cwd: copy,
    // Frameworks share everything but the adapter.
    env: { ...process.env, CORPUS_KIND: 'express' },
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  if (!existsSync(output) && signal !== null) return { passed: 0, failed: 'timeout' }
  if (!existsSync(output)) return { passed: 0, broken: `Jest did not run: ${stderr.slice(-300)}` }
  const result = JSON.parse(readFileSync(output, 'utf8')) as JestOutput
  if (result.numFailedTests > 0) return { passed: result.numPassedTests, failed: failureOf(result) }
  const broken = result.numRuntimeErrorTestSuites > 0
  const message = result.testResults
    .map((suite) => suite.message)
    .join('')
    .slice(0, 300)
  return {
    passed: result.numPassedTests,
    broken: broken ? `a suite does not load: ${message}` : undefined,
  }
}

function failureOf({ testResults }: JestOutput): string {
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed')
  const message = failed?.failureMessages.join('\n').split('\n', 1)[0]?.slice(0, 120)
  return `${failed?.title ?? 'a test'} (${message ?? ''})`
}

function isKnown({ id, edits }: Mutation): boolean {
  const known = results[id]
  return known?.outcome === 'killed' && known.mutation === JSON.stringify(edits)
}

function readResults(): Record<string, Result> {
  if (process.argv.includes('--again') || !existsSync(RESULTS)) return {}
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, Result>
}

function report(): void {
  const count = (outcome: Outcome) =>
    mutations.filter(({ id }) => results[id]?.outcome === outcome).length
  for (const { id, guard } of mutations) {
    const { outcome, detail } = results[id] ?? { outcome: 'not run', detail: '' }
    if (outcome !== 'killed') console.log(`${id} ${outcome}: ${guard}${detail && ` (${detail})`}`)
  }
  for (const [id, why] of Object.entries(WITHOUT_GUARD)) console.log(`${id} has no guard: ${why}`)
  const run = count('killed') + count('survived') + count('broken')
  console.log(
    `${count('killed')} of ${run} mutations killed, ${count('survived')} survived, ${count('broken')} broken`,
  )
  process.exitCode = count('killed') === run ? 0 : 1
}
