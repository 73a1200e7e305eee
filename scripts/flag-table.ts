// Writes the table of flags in docs/command.md. `--check` compares it instead.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { type Flag, flags, isSecret, variableOf } from '../src/command/flags.js'

const file = new URL('../docs/command.md', import.meta.url)
const START = '<!-- flags -->'
const END = '<!-- end of flags -->'

/** Texts of pages are too many for a table. */
const listed = flags.filter(({ path }) => path[0] !== 'texts')

function row({ name, path, schema, description, isFile }: Flag): string {
  const option = path.join('.').replace('provider.*.', 'provider.NAME.')
  const words = isFile ? 'A file with the value.' : (description ?? '')
  const note = isSecret(schema) && !isFile ? ' Visible in `ps` for a moment: prefer a file.' : ''
  return `| \`--${name}\` | \`${variableOf(name)}\` | ${option === '' ? '' : `\`${option}\``} | ${words}${note} |`
}

const table = [
  '| flag | variable | in a file | meaning |',
  '| --- | --- | --- | --- |',
  ...listed.map(row),
].join('\n')
const before = readFileSync(file, 'utf8')
const [head = '', rest = ''] = before.split(START)
const after = await format(`${head}${START}\n\n${table}\n\n${END}${rest.split(END)[1] ?? ''}`, {
  ...(await resolveConfig(file.pathname)),
  parser: 'markdown',
})
if (!process.argv.includes('--check')) writeFileSync(file, after)
else if (after !== before) {
  console.error('docs/command.md does not list the flags: run npx tsx scripts/flag-table.ts')
  process.exitCode = 1
}
