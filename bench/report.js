// Writes the tables and the chart of docs/performance.md from the results of run.js.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tables } from './contenders.js'

const folder = new URL('results/', import.meta.url)
const page = new URL('../docs/performance.md', import.meta.url)
const chart = new URL('../docs/performance.svg', import.meta.url)

const results = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
  .toSorted((a, b) => Number.parseInt(a.node.slice(1)) - Number.parseInt(b.node.slice(1)))
if (results.length === 0) throw new Error('there are no results: run `npm start` first')

const sections = tables.map(
  ({ id, title, contenders }) =>
    `### ${title}\n\n${table(
      contenders.map(({ name }) => name),
      id,
    )}`,
)
const text = readFileSync(page, 'utf8')
const [before, , after] = text.split(/<!-- (?:begin|end) of the tables -->/)
if (after === undefined) throw new Error('docs/performance.md has no place for the tables')
writeFileSync(
  page,
  `${before}<!-- begin of the tables -->\n\n${circumstances()}\n\n${sections.join('\n\n')}\n\n<!-- end of the tables -->${after}`,
)
writeFileSync(chart, drawing('logged-in'))

function circumstances() {
  return results
    .map(
      ({ node, cpu, date, rounds, requests }) =>
        `- Node ${node.slice(1)}: ${date}, ${cpu}, ${rounds} rounds of ${requests.toLocaleString('en-US')} requests`,
    )
    .join('\n')
}

/** For each version of Node the median, what it is above the first row, and the spread. */
function table(names, id) {
  const head = results.map(({ node }) => `Node ${Number.parseInt(node.slice(1))} | above |`)
  const rows = names.map((name, index) => {
    const cells = results.map(({ tables: measured }) => {
      const row = measured[id].find((one) => one.name === name)
      if (row === undefined) return '| |'
      const above = index === 0 ? '' : `${row.above >= 0 ? '+' : '−'}${Math.abs(row.above)}`
      return `${row.median} (${row.low} to ${row.high}) | ${above} |`
    })
    const label = name.startsWith('oauth-module') ? `**${name}**` : name
    return `| ${label} | ${cells.join(' ')}`
  })
  return [
    `| µs of CPU | ${head.join(' ')}`,
    `| --- |${' --- | --- |'.repeat(results.length)}`,
    ...rows,
  ].join('\n')
}

/** Bars of what each contender adds, on the newest version of Node that was measured. */
function drawing(id) {
  const { node, tables: measured } = results.at(-1)
  const rows = measured[id].slice(1).filter(({ name }) => !name.includes(','))
  const most = Math.max(...rows.map(({ above }) => above))
  const bars = rows.map(({ name, above }, index) => {
    const y = 52 + index * 30
    const width = Math.max(2, (Math.max(0, above) / most) * 420)
    const color = name === 'oauth-module' ? '#0b6bcb' : '#8a94a6'
    return `<text x="190" y="${y + 15}" text-anchor="end">${name}</text><rect x="200" y="${y}" width="${width.toFixed(1)}" height="20" rx="3" fill="${color}"/><text x="${(208 + width).toFixed(1)}" y="${y + 15}">${above} µs</text>`
  })
  const height = 62 + rows.length * 30
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" width="720" height="${height}" role="img" aria-label="CPU that a login adds to each request of a signed-in user, by package" font-family="system-ui, sans-serif" font-size="14" fill="#24292f"><rect width="720" height="${height}" fill="#fff"/><text x="20" y="30" font-size="16" font-weight="600">CPU added to each request of a signed-in user, Node ${Number.parseInt(node.slice(1))}</text>${bars.join('')}</svg>\n`
}
