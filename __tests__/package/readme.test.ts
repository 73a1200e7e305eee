import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ERROR_CODES } from '../../src/http/error-codes.js'
import { eventNames } from '../../src/middleware/event-types.js'
import { optionFields } from '../../src/options/fields.js'
import { builtinProviders } from '../../src/providers/index.js'
import { codeBlocks, errorsOf, root } from '../support/compile.js'

const documents = ['README.md', 'docs/stores.md', 'docs/scaling.md'].filter((name) =>
  existsSync(join(root, name)),
)

/** The code blocks of a document, as modules next to it. */
function blocksOf(document: string): Map<string, string> {
  return new Map(
    codeBlocks(readFileSync(join(root, document), 'utf8')).map(({ code, line }) => [
      join(root, `${document.replace(/\W/g, '-')}-${line}.ts`),
      `${code}\nexport {}\n`,
    ]),
  )
}

describe('the code in the documentation', () => {
  test.each(documents)('%s compiles', (document) => {
    const blocks = blocksOf(document)
    expect(blocks.size).toBeGreaterThan(0)
    expect(errorsOf(blocks)).toEqual([])
  })

  test('a block with a type error is found', () => {
    const wrong = new Map([
      [
        join(root, 'wrong.ts'),
        "import { oauthModule } from 'oauth-module'\noauthModule({ provider: { github: { organisations: ['acme'] } } })\n",
      ],
    ])
    expect(errorsOf(wrong)).toEqual([expect.stringContaining('organisations')])
  })
})

describe('the README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')

  test('names only examples that exist', () => {
    const examples = [...readme.matchAll(/`(examples\/[\w./-]+)`/g)].map((match) => match[1] ?? '')
    expect(examples.length).toBeGreaterThan(5)
    expect(examples.filter((name) => !existsSync(join(root, name)))).toEqual([])
  })

  test('has every event in its table', () => {
    expect(eventNames.length).toBeGreaterThan(9)
    expect(eventNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })

  test('has every built-in provider in its table', () => {
    const names = Object.keys(builtinProviders)
    expect(names.length).toBeGreaterThan(7)
    expect(names.filter((name) => !readme.includes(`| \`${name}\` |`))).toEqual([])
  })

  test('has every option of oauthModule()', () => {
    const names = Object.keys(optionFields)
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })

  test('has every error code in the troubleshooting table', () => {
    const codes = Object.keys(ERROR_CODES)
    expect(codes.length).toBeGreaterThan(15)
    expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([])
  })
})

describe('docs/requirements.md', () => {
  const rows = [
    ...readFileSync(join(root, 'docs/requirements.md'), 'utf8').matchAll(/^\| (S-\d{3}) \|/gm),
  ].map((match) => match[1] ?? '')

  test('has one row for each requirement', () => {
    expect(rows).toHaveLength(118)
    expect(new Set(rows).size).toBe(rows.length)
  })

  test('explains every id in a test name', () => {
    const folder = join(root, '__tests__')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const sources = files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
    const ids = new Set(sources.flatMap((source) => source.match(/\bS-\d{3}\b/g) ?? []))
    expect(ids.size).toBeGreaterThan(100)
    expect([...ids].filter((id) => !rows.includes(id))).toEqual([])
  })
})
