// Writes the JavaScript of the package: CommonJS files, which share what they have in common, and an ES module next to each
// entry point that exports the same values. So there is one copy of everything, whatever an app and its packages use.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { bindings, DYNAMIC_IMPORT, IMPORT, TARGET, toCommonJs } from './bundle-commonjs.js'
import { assignGroups, entries, lazy } from './bundle-groups.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = `${root}dist/`

const base = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: TARGET,
  format: 'esm',
  write: false,
  outdir: 'dist',
  logLevel: 'warning',
  external: ['cookie', 'jose', 'lru-cache', 'openid-client'],
}

/** Within the output: a module of another file, as in `#signals/src/signals/inbox.ts`. */
const REFERENCE = /^#([\w-]+)\/(.*)$/

const modules = await readModules()
const groupOf = assignGroups(new Map([...modules].map(([file, { imports }]) => [file, imports])))
const groups = [...new Set(groupOf.values())]
/** For each file of dist the names that it exports, by module and name. */
const exported = new Map(groups.map((group) => [group, new Map()]))

const bundles = await bundleGroups()
mkdirSync(dist, { recursive: true })
for (const [group, code] of bundles)
  writeFileSync(`${dist}${group}.cjs`, await toCommonJs(group, code))
writeFileSync(`${dist}libraries.cjs`, await bundleLibraries())
for (const name of Object.keys(entries)) writeEntry(name)

/** Imports and exports of each module. */
async function readModules() {
  const entryPoints = [...Object.values(entries), ...Object.values(lazy).flat()]
  const { inputs, outputs } = (await build({ ...base, entryPoints, metafile: true })).metafile
  const names = new Map(Object.values(outputs).map((one) => [one.entryPoint, one.exports]))
  return new Map(
    Object.entries(inputs).map(([file, { imports }]) => {
      const own = imports.filter(({ external }) => !external).map(({ path }) => path)
      return [file, { imports: own, exports: names.get(file) }]
    }),
  )
}

/** The code of each group. What a group exports follows from what the others import. */
async function bundleGroups() {
  for (const file of Object.values(entries))
    for (const name of modules.get(file).exports) want(file, name)
  for (;;) {
    const before = countExported()
    const code = new Map()
    for (const group of groups) code.set(group, await bundleGroup(group))
    for (const text of code.values())
      for (const { file, name } of references(text)) want(file, name)
    if (countExported() > before) continue
    for (const group of groups) code.set(group, await bundleGroup(group, true))
    return code
  }
}

function countExported() {
  return [...exported.values()].reduce((sum, names) => sum + names.size, 0)
}

/** Exports a name of a module, under a name that is unique within the file. */
function want(file, name) {
  const names = exported.get(groupOf.get(file))
  if (names.has(`${file} ${name}`)) return
  const taken = new Set(names.values())
  let unique = name
  for (let count = 2; taken.has(unique); count++) unique = `${name}${count}`
  names.set(`${file} ${name}`, unique)
}

/** `isFinal`: it is known what the other groups export. */
async function bundleGroup(group, isFinal = false) {
  const contents = [...exported.get(group)].map(([key, unique]) => {
    const [file, name] = key.split(' ')
    return `export { ${name} as ${unique} } from './${file}'\n`
  })
  const { outputFiles } = await build({
    ...base,
    stdin: { contents: contents.join(''), resolveDir: root, sourcefile: group },
    plugins: [boundary(group, isFinal)],
  })
  return outputFiles[0].text
}

/** What is in another file stays an import: at first with the name of the module, in the end with that of the file. */
function boundary(group, isFinal) {
  return {
    name: 'boundary',
    setup(builder) {
      builder.onResolve({ filter: /^#/ }, ({ path }) => ({ path, external: true }))
      builder.onResolve({ filter: /^\./ }, async ({ path, pluginData, ...from }) => {
        if (pluginData === 'resolved') return undefined
        const { path: found } = await builder.resolve(path, { ...from, pluginData: 'resolved' })
        const file = found.slice(root.length)
        const other = groupOf.get(file)
        if (other === group) return { path: found }
        if (isFinal && from.kind !== 'dynamic-import') return { path: file, namespace: 'other' }
        return { path: `#${other}/${file}`, external: true }
      })
      builder.onLoad({ filter: /./, namespace: 'other' }, ({ path }) => ({
        contents: forwarding(path),
      }))
    },
  }
}

/** A module that exports what another file of dist contains of it. */
function forwarding(file) {
  const group = groupOf.get(file)
  const names = [...exported.get(group)].flatMap(([key, unique]) => {
    const [module, name] = key.split(' ')
    return module === file ? [`${unique} as ${name}`] : []
  })
  return `export { ${names.join(', ')} } from "#${group}"`
}

/** What code imports from other files of the package. */
function references(code) {
  const named = [...code.matchAll(IMPORT)].flatMap(([whole, byDefault, namespace, names, path]) => {
    const [, , file] = REFERENCE.exec(path) ?? []
    if (file === undefined) return []
    if (byDefault) throw new Error(`bundle.js needs imports of names: ${whole}`)
    if (namespace) return membersOf(namespace, code).map((name) => ({ file, name }))
    return bindings(names).map(([name]) => ({ file, name }))
  })
  const dynamic = [...code.matchAll(DYNAMIC_IMPORT)].flatMap(([, , file]) =>
    modules.get(file).exports.map((name) => ({ file, name })),
  )
  return [...named, ...dynamic]
}

function membersOf(variable, code) {
  const found = code.matchAll(new RegExp(`(?<![\\w.$/-])${variable}\\.([a-zA-Z]\\w*)`, 'g'))
  return [...new Set([...found].map(([, name]) => name))].sort()
}

/**
 * What is used of these packages: their namespaces are called `jose` and `oidc` everywhere. They are ES modules, which
 * `require()` does not load everywhere.
 */
async function bundleLibraries() {
  const list = (variable) => membersOf(variable, [...bundles.values()].join('')).join(', ')
  const { outputFiles } = await build({
    ...base,
    format: 'cjs',
    external: [],
    stdin: {
      resolveDir: root,
      contents: `
        import { ${list('jose')} } from 'jose'
        import { ${list('oidc')} } from 'openid-client'
        export const jose = { ${list('jose')} }
        export const openidClient = { ${list('oidc')} }`,
    },
  })
  return outputFiles[0].text
}

/** `require('oauth-module')` is the function itself. The ES module exports the same values. */
function writeEntry(name) {
  const names = modules.get(entries[name]).exports.filter((one) => one !== 'default')
  if (name === 'index')
    writeFileSync(
      `${dist}index.cjs`,
      `"use strict";\nconst { oauthModule, ${names.filter((one) => one !== 'oauthModule').join(', ')} } = require("./core.cjs");\nmodule.exports = Object.assign(oauthModule, {\n  default: oauthModule,\n  ${names.join(',\n  ')}\n});\n`,
    )
  const byDefault = name === 'index' ? 'export default oauthModule;\n' : ''
  writeFileSync(
    `${dist}${name}.js`,
    `import ${name}Exports from "./${name}.cjs";\nexport const {\n  ${names.join(',\n  ')}\n} = ${name}Exports;\n${byDefault}`,
  )
}
