// Writes dist/THIRD-PARTY-NOTICES.txt: the licenses of all packages whose code is in dist.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledFolders } from './bundled.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

const notices = bundledFolders(root).map((folder) => {
  const facts = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, folder)).filter((file) =>
    /^(?:licen[cs]e|copying|notice)/i.test(file),
  )
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  return `${facts.name} ${facts.version} (${facts.license})\n\n${texts.join('\n\n') || plainNotice(facts)}\n`
})

/** A few packages name their license but do not ship its text. */
function plainNotice({ name, license, author }) {
  if (license !== 'MIT') throw new Error(`${name} ships no license text: add its notice here`)
  const [, , , ...permission] = readFileSync(join(root, 'LICENSE'), 'utf8').trim().split('\n')
  return `MIT License\n\nCopyright (c) ${author?.name ?? author ?? `the authors of ${name}`}\n${permission.join('\n')}`
}

const intro = 'The files in this folder contain code of the packages below, under their licenses.\n'
const trademarks = `Trademarks

The sign-in page contains the marks of GitHub, Google, Microsoft, GitLab, Facebook, LinkedIn, Twitch and Amazon. They are
trademarks of their owners, and identify only the provider that a button leads to. No license covers their use: it is
subject to the branding guidelines of the owners, who neither endorse this package nor are affiliated with it.
`
writeFileSync(
  join(dist, 'THIRD-PARTY-NOTICES.txt'),
  [intro, trademarks, ...notices].join(`\n${'-'.repeat(80)}\n\n`),
)
