// Measures what an app waits for at its start: the import of the package when Express is loaded already, and the creation of
// the gate. Each measurement is a process of its own; the median counts. Then prints what the package consists of.
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { cpus } from 'node:os'

const rounds = Number(process.env.ROUNDS ?? 21)
const dist = new URL('../dist/', import.meta.url)

const ways = {
  import: ["await import('express')", 'index.js'],
  require: ["require('express')", 'index.cjs'],
}
const samples = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
for (let round = 0; round < rounds; round++)
  for (const [way, [first, file]] of Object.entries(ways))
    samples[way].push(measure(way, first, file))

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0].model}; ${rounds} processes each, milliseconds`,
)
console.table(
  Object.fromEntries(
    Object.entries(samples).map(([way, found]) => [
      way,
      {
        loaded: spread(found.map(([loaded]) => loaded)),
        'oauthModule()': spread(found.map(([, made]) => made)),
      },
    ]),
  ),
)
console.table(sizes())

function measure(way, first, file) {
  const load = way === 'import' ? 'await import(file)' : 'require(file)'
  const code = `
    ${first}
    const file = ${JSON.stringify(new URL(file, dist)[way === 'import' ? 'href' : 'pathname'])}
    const start = performance.now()
    const { oauthModule, oidcProvider } = ${load}
    const loaded = performance.now()
    oauthModule({
      provider: { acme: oidcProvider({ issuer: 'https://id.example', clientId: 'app', clientSecret: 'secret' }) },
      secret: 'a secret of thirty-two characters or more',
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    })
    console.log(JSON.stringify([loaded - start, performance.now() - loaded]))
    process.exit()`
  const type = way === 'import' ? 'module' : 'commonjs'
  const output = execFileSync(process.execPath, [`--input-type=${type}`, '--eval', code], {
    cwd: new URL('.', import.meta.url),
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    encoding: 'utf8',
  })
  return JSON.parse(output)
}

/** Median, and the range that contains 80 percent. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))].toFixed(1)
  return `${at(0.5)} (${at(0.1)} to ${at(0.9)})`
}

/** Kilobytes of the files in `dist`. */
function sizes() {
  const kinds = {
    'the development provider and the command': /^(?:dev|command)\./,
    'licenses of bundled code': /NOTICES/,
    'loaded by the import': /^(?:index|core)\.c?js$/,
    'loaded by oauthModule()': /^gate\.cjs$/,
    declarations: /\.d\.c?ts$/,
    'schema of configuration files': /\.json$/,
    'loaded when it is used': /\.c?js$/,
  }
  const sums = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]))
  for (const name of readdirSync(dist)) {
    const [kind] = Object.entries(kinds).find(([, pattern]) => pattern.test(name))
    sums[kind] += statSync(new URL(name, dist)).size / 1000
  }
  return Object.fromEntries(
    Object.entries(sums).map(([kind, kB]) => [kind, { kB: Math.round(kB) }]),
  )
}
