// Completes the declarations. In dist/index.d.cts: require('oauth-module') is the function itself, with all other names as
// properties. The declarations of the ES modules repeat none: they forward those of the CommonJS files.
import { readFileSync, writeFileSync } from 'node:fs'
import { entries } from './bundle-groups.js'

const dist = new URL('../dist/', import.meta.url)
const index = new URL('index.d.cts', dist)

// Names that come from another file become imports: a namespace exports only names of its file.
const [lists, body] = [[], []]
for (const line of readFileSync(index, 'utf8').split('\n')) {
  const [, names, from] = /^export \{(.*)\}(?: from ('.*'))?;$/.exec(line) ?? []
  if (names === undefined) body.push(line)
  else {
    if (from !== undefined) body.push(`import {${names}} from ${from};`)
    lists.push(from === undefined ? names : names.replace(/[\w$]+ as (\w+)/g, '$1'))
  }
}
if (lists.length === 0) throw new Error('dist/index.d.cts has no list of exports')
const names = lists.flatMap((list) => list.split(',').map((name) => name.trim()))
writeFileSync(
  index,
  `${body.join('\n').trimEnd()}\n\ndeclare namespace oauthModule {\n    export { ${names.join(', ')} };\n}\n\nexport = oauthModule;\n`,
)

for (const name of Object.keys(entries))
  writeFileSync(
    new URL(`${name}.d.ts`, dist),
    name === 'index'
      ? `export { ${names.map((one) => (one === 'oauthModule as default' ? one : one.replace(/.* as /, ''))).join(', ')} } from './index.cjs';\n`
      : `export * from './${name}.cjs';\n`,
  )
