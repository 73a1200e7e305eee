// `npm run test:fast`: every suite that needs only Node. Suites in browser/ and package/, and suites that import a
// helper which starts another program (Chromium, Redis, PostgreSQL, an example), are left to `npm test`.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { jest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const slowFolder = /^(?:browser|package)\//
const slowHelper =
  /from '.*\/support\/(?:chromium|demo|dev-process|gate-process|package|postgres|programs|redis|redis-clients)\.js'/

const suites = join(root, '__tests__')
const slow = readdirSync(suites, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.test.ts'))
  .filter(
    (name) => slowFolder.test(name) || slowHelper.test(readFileSync(join(suites, name), 'utf8')),
  )

export default {
  ...jest,
  rootDir: root,
  testPathIgnorePatterns: slow.map((name) => `/__tests__/${name.replaceAll('.', '\\.')}$`),
}
