// Writes the table of docs/security.md: runs every test that a requirement names, one after another. `--keep` takes the
// results of earlier runs instead, such as those of `npm test`, to which any run of Jest adds. `--check` compares the table
// with them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Results,
  RESULTS,
  readTable,
  rowsOf,
  tableProblems,
  writeTable,
} from './security-rows.js'
import { writeCertificationPage } from './certification-rows.js'
import { readNamedTests, root } from './security-catalog.js'

const results = join(root, RESULTS)
const isCheck = process.argv.includes('--check')
if (!isCheck && !process.argv.includes('--keep')) rmSync(results, { force: true })
if (!existsSync(results)) {
  if (isCheck)
    fail([`${RESULTS} is missing: run npm test first, whose results the table is checked against`])
  runTests()
}
const { node, tests } = JSON.parse(readFileSync(results, 'utf8')) as Results
const rows = rowsOf(tests)
if (isCheck) {
  const problems = tableProblems(readTable(), rows)
  if (problems.length > 0) fail([...problems, 'npm run security-table writes the table again'])
  console.log(`${rows.length} requirements, each with passing tests, as docs/security.md states`)
} else {
  const failed = tests.filter(({ status }) => status === 'failed').map(({ name }) => name)
  if (failed.length > 0) fail(['these tests fail, and the table stays as it is:', ...failed])
  writeCertificationPage()
  writeTable(rows, { node, tests })
}

function runTests(): void {
  const suites = [
    ...new Set(readNamedTests().map(({ suite, extension }) => `__tests__/${suite}.${extension}`)),
  ]
  for (const kind of ['test.ts', 'slow.ts']) {
    const paths = suites.filter((suite) => suite.endsWith(kind))
    const pattern = ['--testMatch', `<rootDir>/__tests__/**/*.${kind}`, '-t', 'S-\\d{3}']
    spawnSync(
      'npx',
      ['jest', '--maxWorkers=1', '--testTimeout=300000', ...pattern, '--runTestsByPath', ...paths],
      {
        cwd: root,
        stdio: 'inherit',
      },
    )
  }
}

function fail(lines: readonly string[]): never {
  console.error(lines.join('\n'))
  process.exit(1)
}
