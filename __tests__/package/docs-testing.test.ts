import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { codeBlocks, root } from '../support/compile.js'
import { run } from '../support/package.js'

// Within the repository, so that the package resolves to its own build.
const folder = mkdtempSync(join(root, 'docs-testing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = codeBlocks(readFileSync(join(root, 'docs/testing.md'), 'utf8')).map(({ code }) => {
  const name = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? ''
  writeFileSync(join(folder, name), code)
  return name
})
const tests = files.filter((name) => name.endsWith('.test.ts'))

describe('D23: docs/testing.md', () => {
  test('D23: has tests with supertest, fetch and Playwright', () => {
    expect(tests).toEqual(['supertest.test.ts', 'fetch.test.ts', 'playwright.test.ts'])
  })

  test.each(tests)('D23: %s runs as it is', async (name) => {
    const program = ['--import', 'tsx', '--test', join(folder, name)]
    const env = [
      'NODE_ENV=test',
      `CHROMIUM_PATH=${process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'}`,
    ]
    const { code, output } = await run(root, 'env', [...env, process.execPath, ...program])
    expect([code, output]).toEqual([0, expect.stringMatching(/(?:#|ℹ) pass 1\n/)])
  })
})
