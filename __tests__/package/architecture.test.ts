import { describe, expect, test } from '@jest/globals'
import {
  circles,
  importersOf,
  importsOf,
  layerOf,
  moduleState,
  readTree,
  type Tree,
  upwardImports,
} from '../support/architecture.js'

const tree = readTree()

/** The real tree with a file more, or with another text in one. */
function planted(file: string, text: string): Tree {
  return new Map([...tree, [file, text]])
}

/** What a planted file adds to what is found without it. */
function foundIn(file: string, text: string): string[] {
  const before = upwardImports(tree)
  return upwardImports(planted(file, text)).filter((one) => !before.includes(one))
}

describe('the folders', () => {
  test('a file imports only from its own folder and from those before it', () => {
    expect(upwardImports(tree)).toEqual([])
    expect(tree.size).toBeGreaterThan(40)
  })

  test('an upward import is found, also one of types only, a dynamic one and a re-export', () => {
    const spellings = [
      "import { parseOptions } from '../options/options.js'",
      "import type { Config } from '../options/options.js'",
      "export { parseOptions } from '../options/options.js'",
      "export type * from '../options/options.js'",
      "const load = () => import('../options/options.js')",
      "type Config = import('../options/options.js').Config",
    ]
    for (const text of spellings)
      expect(foundIn('http/planted.ts', text)).toEqual([
        'http/planted.ts imports options/options.ts',
      ])
  })

  test('the order is that of the folders: each may import what comes before it, and nothing that comes after it', () => {
    expect(
      foundIn('flows/planted.ts', "import '../pages/respond.js'\nimport '../schema.js'"),
    ).toEqual([])
    expect(foundIn('pages/planted.ts', "import '../flows/login.js'")).toEqual([
      'pages/planted.ts imports flows/login.ts',
    ])
    expect(foundIn('http/planted.ts', "import '../schema.js'")).toEqual([])
    expect(foundIn('schema.ts', "import './http/errors.js'")).toEqual([
      'schema.ts imports http/errors.ts',
    ])
  })

  test('nothing below imports the public names, or what the subpaths hold', () => {
    expect(foundIn('middleware/planted.ts', "import '../index.js'")).toEqual([
      'middleware/planted.ts imports index.ts',
    ])
    expect(foundIn('middleware/planted.ts', "import '../dev/index.js'")).toEqual([
      'middleware/planted.ts imports dev/index.ts',
    ])
    expect(foundIn('dev/planted.ts', "import '../middleware/gate.js'")).toEqual([])
  })

  test('a file without a folder, or in an unknown one, is found', () => {
    expect(foundIn('utils/planted.ts', '')).toEqual(['utils/planted.ts is in no layer'])
    expect(foundIn('planted.ts', '')).toEqual(['planted.ts is in no layer'])
  })
})

describe('circles', () => {
  test('there is none, types included', () => {
    expect(circles(tree)).toEqual([])
  })

  test('a planted one is found', () => {
    const withCircle = new Map([
      ...tree,
      ['http/a.ts', "import type { B } from './b.js'"],
      ['http/b.ts', "import './c.js'"],
      ['http/c.ts', "import './a.js'"],
    ])
    expect(circles(withCircle)).toContain('http/a.ts -> http/b.ts -> http/c.ts -> http/a.ts')
  })
})

describe('packages and state', () => {
  /** The tools around the gate may use what they like. */
  const core = new Map(
    [...tree].filter(
      ([file]) =>
        layerOf(file) !== undefined && !/^(?:dev|testing|admin|command|import)\//.test(file),
    ),
  )

  test('openid-client is imported by the client of providers alone', () => {
    for (const file of importersOf(core, 'openid-client'))
      expect(file).toMatch(/^oauth\/client(?:-auth)?\.ts$/)
    expect(importersOf(core, 'openid-client')).toContain('oauth/client.ts')
  })

  test('jose is imported by few files, all of them below oauth/', () => {
    const importers = importersOf(core, 'jose')
    for (const file of importers)
      expect(file).toMatch(/^oauth\/(?:client|client-auth|id-token)\.ts$/)
    expect(importers).toContain('oauth/id-token.ts')
  })

  test('importing the package loads neither: they are imported dynamically or as types', () => {
    for (const [, text] of core)
      expect(text).not.toMatch(/^import (?!type )[^;'"]*from '(?:openid-client|jose)'/m)
    expect(importsOf('x.ts', "await import('jose')")).toEqual(['jose'])
  })

  test('the core depends on its four packages and on Node alone', () => {
    const foreign = [...core]
      .flatMap(([file, text]) => importsOf(file, text))
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
    expect([...new Set(foreign)].sort()).toEqual(['cookie', 'jose', 'lru-cache', 'openid-client'])
  })

  test('no module keeps state outside of closures', () => {
    expect(moduleState(core)).toEqual([])
  })

  test('planted state is found', () => {
    const samples = [
      'let count = 0',
      'export var x',
      'const seen = new Map<string, string>()',
      'const weak = new WeakSet()',
      'const c = new LRUCache({ max: 1 })',
    ]
    for (const text of samples)
      expect(moduleState(new Map([['http/planted.ts', text]]))).toHaveLength(1)
    expect(moduleState(new Map([['http/planted.ts', "const names = new Set(['a'])"]]))).toEqual([])
  })
})
