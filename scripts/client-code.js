// Writes src/middleware/client-code.ts: the scripts of /auth/client.js, bundled from src/browser. The gate serves them from
// memory, so that bundlers and serverless platforms need no file next to the package.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = `${root}src/middleware/client-code.ts`

/** The code of an entry point. `iife` is a script, `esm` a module. */
async function bundle(entry, format) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`src/browser/${entry}.ts`],
    bundle: true,
    minify: true,
    write: false,
    format,
    target: 'es2022',
    charset: 'utf8',
  })
  return outputFiles[0].text.trim()
}

const text = `/** Generated from \`src/browser\` by \`scripts/client-code.js\`: do not edit. */
export const CLIENT_CODE = ${JSON.stringify(await bundle('script', 'iife'))}

/** The module that the script loads when it has to ask the user. */
export const DIALOGS_CODE = ${JSON.stringify(await bundle('dialogs-script', 'esm'))}
`

if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/middleware/client-code.ts is not current: run npm run client-code')
  process.exitCode = 1
}
