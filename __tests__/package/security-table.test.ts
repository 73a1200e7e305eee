import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { certificationPage } from '../../scripts/certification-rows.js'
import { readRequirements } from '../../scripts/security-catalog.js'
import {
  readTable,
  roundedDown,
  rowsOf,
  type TableRow,
  tableProblems,
} from '../../scripts/security-rows.js'

const rows = rowsOf([])
const table = readTable()

describe('the table in docs/security.md', () => {
  test('has a row for each of the 118 requirements, with tests that exist', () => {
    expect(readRequirements().map(({ id }) => id)).toEqual(
      Array.from({ length: 118 }, (_, index) => `S-${String(index + 1).padStart(3, '0')}`),
    )
    expect(tableProblems(table, rows, false)).toEqual([])
  })

  const changed = (change: Partial<TableRow>) => [{ ...table[0], ...change }, ...table.slice(1)]

  test.each<[string, readonly TableRow[], string]>([
    ['a row is missing', table.slice(1), 'S-001 has no row'],
    ['a cell is empty', changed({ tried: [] }) as TableRow[], 'empty cell'],
    ['a row has no cases', changed({ cases: '0' }) as TableRow[], 'has no cases'],
    ['a result is another', changed({ result: 'failed' }) as TableRow[], 'result failed'],
    [
      'a test is gone',
      changed({ tried: ['a test of yesterday (`flows/login`)'] }) as TableRow[],
      'no longer exists: a test of yesterday',
    ],
  ])('is wrong if %s', (_, wrong, problem) => {
    expect(tableProblems(wrong, rows, false).join('\n')).toContain(problem)
  })

  const passed = { suite: '', name: 'S-001', status: 'passed' as const, cases: {} }

  test.each([
    ['no test of a requirement ran', [], 'S-001: 0 of 0 tests failed'],
    [
      'a test of a requirement failed',
      [passed, { ...passed, status: 'failed' as const }],
      'S-001: 1 of 2 tests failed',
    ],
    ['fewer cases ran', [passed], 'S-001: states'],
  ])('is wrong if %s', (_, tests, problem) => {
    expect(tableProblems(table, rowsOf(tests)).join('\n')).toContain(problem)
  })

  test('counts are rounded down, so that one more test does not make them wrong', () => {
    expect([1, 12, 99, 100, 1289, 54_321].map(roundedDown)).toEqual([1, 12, 99, 100, 1200, 54_000])
  })
})

test('docs/certification.md is what the names of the tests say', () => {
  expect(readFileSync('docs/certification.md', 'utf8')).toBe(certificationPage())
})
