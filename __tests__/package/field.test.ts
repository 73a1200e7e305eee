import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const table = execFileSync(process.execPath, ['scripts/field-table.js'], { encoding: 'utf8' })

test('docs/field.md is what the titles of the tests say', () => {
  expect(readFileSync('docs/field.md', 'utf8')).toBe(table)
})

test('every situation from the field has a test', () => {
  const names = (letter: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
  const all = [...names('A', 19), ...names('B', 14), ...names('C', 15), 'E2', 'E3', 'E4', 'E5']
  expect(all.filter((name) => !table.includes(`\n| ${name} |`))).toEqual([])
})

test('B11: the slower checks run the tests on exactly the version of Node that engines names', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    engines: { node: string }
  }
  const oldest = engines.node.replace('>=', '')
  expect(oldest).toMatch(/^\d+\.\d+$/)
  const script = readFileSync('.ci/slow/node-oldest', 'utf8')
  expect(script).toContain('engines.node')
  expect(script).toContain('scripts/test-on-node')
})
