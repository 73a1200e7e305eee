// `npm run test:fast`: the suites that need only Node and take little time. Left to `npm test` are those that need a
// browser or a build, all corpora but that of headers, those that wait in real time or measure, and those that import
// a helper which starts another program (Chromium, Redis, PostgreSQL, an example).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { jest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const slowPath = /^(?:browser\/|corpora\/(?!headers)|package\/)|real-time/
const slowHelper =
  /from '.*\/support\/(?:chromium|command|demo|deployed-proxies|dev-process|gate-process|package|postgres|programs|redis|redis-clients)\.js'/

const suites = join(root, '__tests__')
const slow = readdirSync(suites, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.test.ts'))
  .filter(
    (name) => slowPath.test(name) || slowHelper.test(readFileSync(join(suites, name), 'utf8')),
  )

export default {
  ...jest,
  rootDir: root,
  testPathIgnorePatterns: slow.map((name) => `/__tests__/${name.replaceAll('.', '\\.')}$`),
}
