// Checks that the tag of a release fits what it would publish, and prints the notes of the release.
// Usage: node scripts/release.js v1.2.3 [folder]
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , tag = '', folder = '.'] = process.argv
const facts = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const changes = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')

/** The text below the heading, up to the next one of the same level. */
function sectionOf(heading) {
  const start = changes.search(heading)
  if (start === -1) return undefined
  const [, ...lines] = changes.slice(start).split('\n')
  const end = lines.findIndex((line) => line.startsWith('## '))
  return lines
    .slice(0, end === -1 ? undefined : end)
    .join('\n')
    .trim()
}

const version = facts.version.replaceAll('.', String.raw`\.`)
const notes = sectionOf(new RegExp(`^## \\[${version}\\] - \\d{4}-\\d{2}-\\d{2}$`, 'm'))
const unreleased = sectionOf(/^## \[Unreleased\]$/m)
const changed = execFileSync('git', ['status', '--porcelain'], { cwd: folder, encoding: 'utf8' })
const scripts = ['preinstall', 'install', 'postinstall', 'prepare'].filter(
  (name) => name in (facts.scripts ?? {}),
)
const missing = ['repository', 'homepage', 'bugs'].filter((name) => facts[name] === undefined)

const problems = [
  tag !== `v${facts.version}` &&
    `the tag ${tag || '(none)'} is not v${facts.version}, the version in package.json`,
  !notes && `CHANGELOG.md has no changes below "## [${facts.version}] - YYYY-MM-DD"`,
  unreleased === undefined && 'CHANGELOG.md has no "## [Unreleased]" for the next changes',
  unreleased && 'CHANGELOG.md has changes below "## [Unreleased]": they belong to this release',
  changed !== '' && `files have changed since the commit: ${changed.trim().split('\n').join(', ')}`,
  scripts.length > 0 &&
    `package.json has scripts that run when the package is installed: ${scripts.join(', ')}`,
  missing.length > 0 && `package.json lacks ${missing.join(', ')}: see RELEASING.md`,
].filter(Boolean)

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(notes)
