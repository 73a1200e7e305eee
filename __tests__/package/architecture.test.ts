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

  test('a folder may import from the folders before it, and not from those after it', () => {
    expect(
      foundIn('flows/planted.ts', "import '../pages/respond.js'\nimport '../schema/field.js'"),
    ).toEqual([])
    expect(foundIn('pages/planted.ts', "import '../flows/login.js'")).toEqual([
      'pages/planted.ts imports flows/login.ts',
    ])
    expect(foundIn('http/planted.ts', "import '../schema/field.js'")).toEqual([])
    expect(foundIn('schema/planted.ts', "import '../http/errors.js'")).toEqual([
      'schema/planted.ts imports http/errors.ts',
    ])
  })

  test('no lower folder imports index.ts or a subpath', () => {
    expect(foundIn('middleware/planted.ts', "import '../index.js'")).toEqual([
      'middleware/planted.ts imports index.ts',
    ])
    expect(foundIn('middleware/planted.ts', "import '../dev/index.js'")).toEqual([
      'middleware/planted.ts imports dev/index.ts',
    ])
    expect(foundIn('dev/planted.ts', "import '../middleware/gate.js'")).toEqual([])
  })

  test('a file outside of the known folders is found', () => {
    expect(foundIn('utils/planted.ts', '')).toEqual(['utils/planted.ts is in no layer'])
    expect(foundIn('planted.ts', '')).toEqual(['planted.ts is in no layer'])
  })
})

describe('circular imports', () => {
  test('do not exist, types included', () => {
    expect(circles(tree)).toEqual([])
  })

  test('are found', () => {
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

  test('only the provider client imports openid-client', () => {
    for (const file of importersOf(core, 'openid-client'))
      expect(file).toMatch(/^oauth\/(?:client-auth|libraries|openid-client|token-request)\.ts$/)
    expect(importersOf(core, 'openid-client')).toContain('oauth/libraries.ts')
  })

  test('few files import jose', () => {
    const importers = importersOf(core, 'jose')
    for (const file of importers) expect(file).toMatch(/^oauth\/(?:libraries|signing-keys)\.ts$/)
    expect(importers).toContain('oauth/signing-keys.ts')
  })

  test('openid-client and jose are imported only dynamically or as types', () => {
    for (const [, text] of core)
      expect(text).not.toMatch(/^import (?!type )[^;'"]*from '(?:openid-client|jose)'/m)
    expect(importsOf('x.ts', "await import('jose')")).toEqual(['jose'])
  })

  test('the parser of user agents is a file of its own, which the core imports only dynamically', () => {
    expect(importersOf(core, 'bowser')).toEqual(['http/user-agent.ts'])
    for (const [, text] of core)
      expect(text).not.toMatch(/^import (?!type )[^;'"]*user-agent\.js'/m)
    expect(importersOf(core, '../http/user-agent.js')).toContain('middleware/devices.ts')
  })

  test('the core depends only on its four packages and Node', () => {
    const foreign = [...core]
      .filter(([file]) => file !== 'http/user-agent.ts')
      .flatMap(([file, text]) => importsOf(file, text))
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
    expect([...new Set(foreign)].sort()).toEqual(['cookie', 'jose', 'lru-cache', 'openid-client'])
  })

  test('no module has mutable state', () => {
    expect(moduleState(core)).toEqual([])
  })

  test('mutable state is found', () => {
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
