import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ERROR_CODES } from '../../src/http/error-codes.js'
import { eventNames } from '../../src/middleware/event-types.js'
import { optionFields } from '../../src/options/fields.js'
import { builtinProviders } from '../../src/providers/index.js'
import { codeBlocks, errorsOf, root } from '../support/compile.js'

const read = (name: string) => readFileSync(join(root, name), 'utf8')

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('api'))
    .map((name) => `docs/${name}`),
]

/** The text without code. */
const proseOf = (name: string) =>
  read(name)
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')

interface Link {
  readonly from: string
  readonly to: string
}

const links: readonly Link[] = documents.flatMap((from) =>
  [...proseOf(from).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map((match) => ({
    from,
    to: match[1] ?? match[2] ?? '',
  })),
)
const isExternal = ({ to }: Link) => /^(?:https?|mailto):/.test(to)

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(name: string): string[] {
  const headings = read(name)
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#+ (.+)$/gm)
  return [...headings].map((match) =>
    String(match[1])
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function faultOf({ from, to }: Link): string | undefined {
  const [path = '', anchor] = to.split('#')
  const target = path === '' ? from : relative(root, resolve(root, dirname(from), path))
  if (!existsSync(join(root, target))) return `${from}: ${to} does not exist`
  if (anchor !== undefined && !anchorsOf(target).includes(anchor))
    return `${from}: ${to} names no heading`
  return undefined
}

describe('links in the documentation', () => {
  test('lead to files and headings that exist', () => {
    const relativeLinks = links.filter((link) => !isExternal(link))
    expect(relativeLinks.length).toBeGreaterThan(50)
    expect(relativeLinks.flatMap((link) => faultOf(link) ?? [])).toEqual([])
  })

  test('a link to a missing file or heading is found', () => {
    expect(faultOf({ from: 'README.md', to: 'docs/missing.md' })).toContain('does not exist')
    expect(faultOf({ from: 'docs/README.md', to: 'access.md#missing' })).toContain('no heading')
    expect(faultOf({ from: 'docs/README.md', to: 'access.md#how-entries-match' })).toBeUndefined()
  })

  test('to other sites use https', () => {
    const plain = links.filter(isExternal).filter(({ to }) => to.startsWith('http://'))
    expect(plain.filter(({ to }) => !to.startsWith('http://localhost'))).toEqual([])
  })

  test('reach every page from the table of contents', () => {
    const pages = links.filter(({ from }) => from === 'docs/README.md').map(({ to }) => to)
    const listed = new Set(pages.map((to) => `docs/${to.split('#')[0]}`))
    const missing = documents.filter(
      (name) => name.startsWith('docs/') && name !== 'docs/README.md' && !listed.has(name),
    )
    // The page of screenshots is not packed: a link would lead nowhere.
    expect(missing).toEqual(['docs/screenshots.md'])
    expect(read('docs/README.md')).toContain('`docs/screenshots.md`')
  })
})

describe('the code in the documentation', () => {
  const blocks = new Map(
    documents.flatMap((name) =>
      codeBlocks(read(name)).map(({ code, line }) => [
        // Blocks that import each other name their files.
        join(
          root,
          /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `${name.replaceAll(/\W/g, '-')}-${line}.ts`,
        ),
        `${code}\nexport {}\n`,
      ]),
    ),
  )

  test('compiles', () => {
    expect(blocks.size).toBeGreaterThan(30)
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

  test('names only examples that exist', () => {
    const names = documents
      .filter((name) => name !== 'CHANGELOG.md')
      .flatMap((name) => read(name).match(/\bexamples\/[\w./-]+\.ts\b/g) ?? [])
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !existsSync(join(root, name)))).toEqual([])
  })
})

describe('the documentation has', () => {
  test('every option of oauthModule()', () => {
    const page = read('docs/configuration.md')
    const names = Object.keys(optionFields)
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  test('every event', () => {
    const page = read('docs/events.md')
    expect(eventNames.length).toBeGreaterThan(9)
    expect(eventNames.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  test('a heading for every error code, with its status', () => {
    const page = read('docs/troubleshooting.md')
    const codes = Object.entries(ERROR_CODES)
    expect(codes.length).toBeGreaterThan(15)
    const isDocumented = ([code, { status }]: (typeof codes)[number]) =>
      page.includes(`## \`${code}\`\n\n${status}. `)
    expect(codes.filter((entry) => !isDocumented(entry))).toEqual([])
  })

  test('a page for every built-in provider', () => {
    const names = Object.keys(builtinProviders)
    expect(names.length).toBeGreaterThan(7)
    for (const name of names) {
      const page = read(`docs/providers/${name}.md`)
      expect(page).toContain('## Register')
      expect(page).toContain(`    ${name}: {`)
      expect(read('docs/providers/README.md')).toContain(`| \`${name}\` |`)
    }
  })
})

describe('the screenshots', () => {
  const folder = join(root, 'docs/images')
  const images = readdirSync(folder)

  test('are all shown in docs/screenshots.md, and small', () => {
    const shown = [...read('docs/screenshots.md').matchAll(/\(images\/([^)]+)\)/g)]
    expect(shown.map(([, name]) => name).sort()).toEqual(images.sort())
    const sizes = images.map((name) => statSync(join(folder, name)).size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_500_000)
    expect(statSync(join(folder, 'sign-in.png')).size).toBeLessThan(80_000)
  })
})

describe('docs/requirements.md', () => {
  const rows = [...read('docs/requirements.md').matchAll(/^\| (S-\d{3}) \|/gm)].map(
    (match) => match[1] ?? '',
  )

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
