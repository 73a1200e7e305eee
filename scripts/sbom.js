// Prints the software bill of materials of the package (CycloneDX, JSON): what it installs, and what is bundled into it.
// Needs a build, and npm 10 or later.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledFolders } from './bundled.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))

const bundled = bundledFolders(root).map((folder) => read(folder, 'package.json'))
// npm's own `--omit dev` also omits what is installed and needed for development.
const installed = Object.entries(read('package-lock.json').packages)
  .filter(([folder, facts]) => folder !== '' && !facts.dev && !facts.devOptional)
  .map(([folder, { version }]) => ({ name: folder.replace(/^.*node_modules\//, ''), version }))
const shipped = new Set([...bundled, ...installed].map(({ name, version }) => `${name}@${version}`))

const options = ['--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--package-lock-only']
const output = execFileSync('npm', ['sbom', ...options], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
})
const { components, dependencies, metadata, ...document } = JSON.parse(output)
const kept = components
  .filter((component) => shipped.has(component['bom-ref']))
  // npm marks what is bundled as part of the development, which it is no longer.
  .map(({ properties = [], ...component }) => ({
    ...component,
    scope: 'required',
    properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
  }))
const missing = [...shipped].filter(
  (ref) => !kept.some((component) => component['bom-ref'] === ref),
)
if (missing.length > 0) throw new Error(`npm does not list ${missing.join(', ')}`)
const { name, version } = read('package.json')
const refs = new Set([...shipped, `${name}@${version}`])
const edges = dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({
    ref,
    dependsOn:
      ref === `${name}@${version}` ? [...shipped] : dependsOn.filter((one) => refs.has(one)),
  }))
console.log(
  JSON.stringify(
    {
      ...document,
      metadata: { ...metadata, component: { ...metadata.component, name } },
      components: kept,
      dependencies: edges,
    },
    undefined,
    2,
  ),
)
