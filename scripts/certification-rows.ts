// The tables of docs/certification.md, which follow from the names of the tests.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTests, root } from './security-catalog.js'

const FILE = join(root, 'docs/certification.md')
const SECTION = /(<!-- certification: ([a-z-]+) -->\n)[\s\S]*?(<!-- end -->)/g
const NAME = /^the plan oidcc-client-(?<plan>[a-z-]+|…): › (?<module>oidcc-[a-z\d-]+): (?<what>.*)$/

/** docs/certification.md as the tests have it. */
export function certificationPage(): string {
  const modules = readTests()
    .map(({ title }) => NAME.exec(title)?.groups)
    .filter((groups) => groups !== undefined)
  return readFileSync(FILE, 'utf8').replaceAll(
    SECTION,
    (_, start: string, section: string, end: string) => {
      // The basic plan runs with both response modes.
      const plan = section === 'basic' ? '…' : section
      const rows = modules.filter((groups) => groups['plan'] === plan)
      const lines = rows.map(({ module, what }) => `| \`${module}\` | ${what} |`)
      return `${start}\n| module | what is tried, and what happens |\n| --- | --- |\n${lines.join('\n')}\n\n${end}`
    },
  )
}

export function writeCertificationPage(): void {
  writeFileSync(FILE, certificationPage())
}
