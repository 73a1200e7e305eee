// In dist/index.d.cts: declares that require('oauth-module') is the function itself, with all other names as properties.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../dist/index.d.cts', import.meta.url)
const text = readFileSync(file, 'utf8')
const [whole, names] = /^export \{(.*)\};\s*$/m.exec(text) ?? []
if (whole === undefined) throw new Error('dist/index.d.cts has no list of exports')

writeFileSync(
  file,
  text.replace(
    whole,
    () => `declare namespace oauthModule {\n    export {${names}};\n}\n\nexport = oauthModule;\n`,
  ),
)
