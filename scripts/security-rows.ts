// The rows of the table in docs/security.md: how they follow from results, and what makes them wrong.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  idsIn,
  type NamedTest,
  readNamedTests,
  readRequirements,
  readSlowChecks,
  type Requirement,
  root,
} from './security-catalog.js'

const FILE = join(root, 'docs/security.md')
/** As in scripts/security-reporter.js: in the root, and not committed. */
export const RESULTS = '.security-results.json'

const START = '<!-- security table -->'
const END = '<!-- end of security table -->'

/** Why a requirement needs no test. None is exempt so far. */
export const NOT_APPLICABLE: Readonly<Record<string, string>> = {}

/** The result of one test. */
export interface TestResult {
  readonly suite: string
  readonly name: string
  readonly status: 'passed' | 'failed'
  /** By requirement; one case where it is left out. */
  readonly cases: Readonly<Record<string, number>>
}

/** What scripts/security-reporter.js writes. */
export interface Results {
  readonly node: string
  readonly tests: readonly TestResult[]
}

/** What was tried for a requirement. */
export interface Row extends Requirement {
  readonly named: readonly NamedTest[]
  readonly tests: number
  readonly cases: number
  readonly failed: number
}

/** A row as it stands in the docs. */
export interface TableRow {
  readonly id: string
  readonly title: string
  readonly tried: readonly string[]
  readonly cases: string
  readonly result: string
}

export function rowsOf(tests: readonly TestResult[]): Row[] {
  const named = [...readNamedTests(), ...readSlowChecks()]
  return readRequirements().map((requirement) => {
    const { id } = requirement
    const own = tests.filter(({ name }) => idsIn(name).includes(id))
    return {
      ...requirement,
      named: named.filter(({ ids }) => ids.includes(id)),
      tests: own.length,
      cases: own.reduce((sum, { cases }) => sum + casesOf(cases, id), 0),
      failed: own.filter(({ status }) => status === 'failed').length,
    }
  })
}

/** A test that counts its cases by requirement may have none for one that its name lists. */
function casesOf(cases: TestResult['cases'], id: string): number {
  return Object.keys(cases).length === 0 ? 1 : (cases[id] ?? 0)
}

/** Two significant digits, rounded down: a new test does not make the table wrong. */
export function roundedDown(count: number): number {
  const unit = 10 ** Math.max(0, String(count).length - 2)
  return Math.floor(count / unit) * unit
}

const number = new Intl.NumberFormat('en-US')

function cellsOf(row: Row): string[] {
  const why = NOT_APPLICABLE[row.id]
  const tried = row.named.map(({ title, suite }) => `${escapeCell(title)} (\`${suite}\`)`)
  const rounded = roundedDown(row.cases)
  return [
    `${row.id} ${escapeCell(row.title)}`,
    why ?? tried.join('<br>'),
    why === undefined ? `${rounded < row.cases ? 'over ' : ''}${number.format(rounded)}` : '–',
    why === undefined ? (row.failed === 0 ? 'passed' : 'failed') : 'does not apply',
  ]
}

/** `{` and `<` would be markup for readers of Markdown. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

/** Writes the table, and the sentence that states what it is based on. */
export function writeTable(rows: readonly Row[], { node, tests }: Results): void {
  const total = tests.reduce((sum, { cases }) => sum + Math.max(1, ...Object.values(cases)), 0)
  const problems = rows.filter(({ id, tests: count }) => count === 0 && !(id in NOT_APPLICABLE))
  if (problems.length > 0)
    throw new Error(`no test ran for ${problems.map(({ id }) => id).join(', ')}`)
  const lines = [
    `The run behind this table: ${number.format(tests.length)} tests with ${number.format(roundedDown(total))} cases, on Node ${node.slice(1)}, ${new Date().toISOString().slice(0, 10)}. All passed.`,
    '',
    '| requirement | what is tried | cases | result |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${cellsOf(row).join(' | ')} |`),
  ]
  const before = readFileSync(FILE, 'utf8')
  const [head = '', rest = ''] = before.split(START)
  const end = rest.split(END)[1] ?? ''
  writeFileSync(FILE, `${head}${START}\n\n${lines.join('\n')}\n\n${END}${end}`)
}

/** The table as it stands in the docs. */
export function readTable(): TableRow[] {
  const [, rest = ''] = readFileSync(FILE, 'utf8').split(START)
  const lines = (rest.split(END)[0] ?? '').split('\n').filter((line) => line.startsWith('| S-'))
  return lines.map((line) => {
    const cells = line.replaceAll('\\|', '\0').split('|').slice(1, -1)
    const [name = '', tried = '', cases = '', result = ''] = cells.map((cell) =>
      cell.replaceAll('\0', '|').replaceAll('&lt;', '<').trim(),
    )
    const space = name.indexOf(' ')
    return {
      id: name.slice(0, space),
      title: name.slice(space + 1),
      tried: tried.split('<br>').filter((one) => one !== ''),
      cases,
      result,
    }
  })
}

/**
 * What is wrong with the table in the docs: rows that are missing or empty, tests that no longer
 * exist, and, with the results of a run, claims that the run does not bear out. A new test alone
 * does not make it wrong.
 */
export function tableProblems(
  table: readonly TableRow[],
  rows: readonly Row[],
  hasResults = true,
): string[] {
  const problems: string[] = []
  const known = new Map(table.map((row) => [row.id, row]))
  for (const row of rows) {
    const written = known.get(row.id)
    if (written === undefined) problems.push(`${row.id} has no row`)
    else problems.push(...rowProblems(row, written).map((problem) => `${row.id}: ${problem}`))
    if (hasResults && !(row.id in NOT_APPLICABLE) && (row.tests === 0 || row.failed > 0))
      problems.push(`${row.id}: ${row.failed} of ${row.tests} tests failed`)
    if (hasResults && written !== undefined && row.cases < countIn(written.cases))
      problems.push(`${row.id}: states ${written.cases} cases, and ${row.cases} ran`)
  }
  if (table.length !== rows.length)
    problems.push(`${table.length} rows for ${rows.length} requirements`)
  return problems
}

function rowProblems(row: Row, written: TableRow): string[] {
  const problems: string[] = []
  if (written.title !== row.title) problems.push('has another title in docs/requirements.md')
  if (written.tried.length === 0 || written.cases === '' || written.result === '')
    problems.push('has an empty cell')
  if (written.result !== (row.id in NOT_APPLICABLE ? 'does not apply' : 'passed'))
    problems.push(`has the result ${written.result}`)
  if (row.id in NOT_APPLICABLE) return problems
  if (countIn(written.cases) === 0) problems.push('has no cases')
  const current = row.named.map(({ title, suite }) => `${title} (\`${suite}\`)`)
  const gone = written.tried.filter((one) => !current.includes(one))
  return [...problems, ...gone.map((one) => `names a test that no longer exists: ${one}`)]
}

function countIn(cell: string): number {
  return Number(cell.replaceAll(/\D/g, ''))
}
