// Builds the package if there is no build yet.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const run = (...args) => execFileSync('npm', args, { cwd: root, stdio: 'inherit' })
if (!existsSync(new URL('node_modules/tsup', root))) run('ci')
if (!existsSync(new URL('dist/index.js', root))) run('run', '--silent', 'build')
