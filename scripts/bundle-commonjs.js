// From the ES modules that esbuild writes for scripts/bundle.js to CommonJS.
import { transform } from 'esbuild'
import ts from 'typescript'
import { loadsFirst } from './bundle-groups.js'

export const TARGET = 'node20'

/** Imports as esbuild prints them. A path such as `#signals` is another file of dist. */
export const IMPORT =
  /^import (?:(\w+)(?:, )?)?(?:\* as (\w+))?(\{[^}]*\})? ?(?:from )?"([^"]+)";\n/gm
export const DYNAMIC_IMPORT = /import\("#([\w-]+)\/([^"]+)"\)/g

/** `{ a, b as c }` as pairs. */
export function bindings(names) {
  return names
    .replace(/[{}\s]+/g, ' ')
    .split(',')
    .map((one) => one.trim().split(' as '))
    .filter(([name]) => name !== '')
    .map(([name, local = name]) => [name, local])
}

/**
 * Imports become constants, which cost nothing at a call. Only those of files that are loaded on first use are looked up
 * when they are used.
 */
export async function toCommonJs(group, code) {
  const imports = new Map()
  const text = code
    .replace(IMPORT, (whole, byDefault, namespace, names, path) => {
      const known = imports.get(path) ?? []
      imports.set(path, [
        ...known,
        ...[byDefault, namespace].filter(Boolean),
        ...bindings(names ?? '{}'),
      ])
      return ''
    })
    .replace(
      DYNAMIC_IMPORT,
      (_, other) => `Promise.resolve().then(() => require("./${other}.cjs"))`,
    )
    .replace(/import\("(jose|openid-client)"\)/g, importOrCopy)
    .replace(
      /^export (\{[^}]*\});\n/m,
      (_, names) =>
        `module.exports = ${pattern(bindings(names).map(([local, name]) => [name, local]))};\n`,
    )
  const isLazy = (path) => path.startsWith('#') && !loadsFirst(path.slice(1), group)
  const [later, now] = [true, false].map((expected) =>
    [...imports].filter(([path]) => isLazy(path) === expected),
  )
  return withoutComments(
    `"use strict";\n${now.map(requirement).join('')}${await withLazyImports(text, later)}`,
  )
}

function requirement([path, names]) {
  const target = path.startsWith('#') ? `./${path.slice(1)}.cjs` : path
  const whole = names.filter((name) => typeof name === 'string')
  const pairs = names.filter((name) => typeof name !== 'string')
  return [...whole, ...(pairs.length > 0 ? [pattern(pairs)] : [])]
    .map((value) => `const ${value} = require("${target}");\n`)
    .join('')
}

/** Uses of what is imported become look-ups: `Tokens` is then `loadTokens().Tokens`. */
async function withLazyImports(text, imports) {
  if (imports.length === 0) return text
  const statements = imports.map(([path, names]) => {
    const members = names.map(([name, local]) => `${name} as ${local}`)
    return `import { ${members.join(', ')} } from "${path}";\n`
  })
  const options = { format: 'cjs', platform: 'node', target: TARGET, logLevel: 'error' }
  // The paths above the code of each module would be lost.
  const kept = text.replace(/^\/\/ src\//gm, '//! src/')
  const result = await transform(statements.join('') + kept, {
    ...options,
    legalComments: 'inline',
  })
  const code = result.code.replace(/^\/\/! src\//gm, '// src/')
  return imports.reduce((text, [path]) => {
    const other = path.slice(1)
    const load = camelCase(`load-${other}`)
    const [statement, variable] = new RegExp(
      `^var (import_\\w+) = require\\("${path}"\\);\\n`,
      'm',
    ).exec(text)
    return text
      .replace(
        statement,
        `let ${variable};\nconst ${load} = () => (${variable} ??= require("./${other}.cjs"));\n`,
      )
      .replace(new RegExp(`\\bnew ${variable}\\.(\\w+)`, 'g'), `new (${load}().$1)`)
      .replaceAll(`${variable}.`, `${load}().`)
  }, code)
}

/** `{ a, b: c }` */
function pattern(pairs) {
  const members = pairs.map(([name, local]) => (name === local ? name : `${name}: ${local}`))
  return members.length > 4 ? `{\n  ${members.join(',\n  ')}\n}` : `{ ${members.join(', ')} }`
}

/** esbuild keeps the comments within classes and functions, and no others. Paths of files stay. */
function withoutComments(code) {
  const comments = new Map()
  const visit = (node) => {
    for (const { pos, end } of ts.getLeadingCommentRanges(code, node.pos) ?? [])
      comments.set(pos, end)
    for (const { pos, end } of ts.getTrailingCommentRanges(code, node.end) ?? [])
      comments.set(pos, end)
    node.getChildren(source).forEach(visit)
  }
  const source = ts.createSourceFile('code.js', code, ts.ScriptTarget.ES2022, true)
  visit(source)
  let text = ''
  let from = 0
  for (const [start, end] of [...comments].sort(([a], [b]) => a - b)) {
    if (/^\/\/ (?:src|node_modules)\//.test(code.slice(start, end))) continue
    const before = code.slice(from, start)
    const isWholeLine = /\n *$/.test(before) && code[end] === '\n'
    text += isWholeLine ? before.replace(/ *$/, '') : before
    from = isWholeLine || code[end] === ' ' ? end + 1 : end
  }
  return text + code.slice(from)
}

/** Plain Jest and some bundles have no `import()`, or no packages. */
function importOrCopy(code, name) {
  return `${code}.catch(() => require("./libraries.cjs").${camelCase(name)})`
}

function camelCase(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
}
