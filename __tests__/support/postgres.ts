import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, freePorts, startProgram } from './programs.js'
import pg from 'pg'

export interface Postgres {
  readonly url: string
  readonly pool: InstanceType<typeof pg.Pool>
  close(): Promise<void>
}

/** Debian keeps the server's programs out of the path. */
function folderOfPrograms(): string {
  const root = '/usr/lib/postgresql'
  const [newest] = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return newest === undefined ? '' : join(root, newest, 'bin')
}

/** PostgreSQL does not run as root, so it runs as the user that its package created. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

export async function startPostgres(): Promise<Postgres> {
  const bin = folderOfPrograms()
  const as = owner()
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-postgres-'))
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid)
  const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: 'C' } }
  const data = join(folder, 'data')
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'],
    { ...options, stdio: 'pipe' },
  )
  const [port = 0] = await freePorts(1)
  const program = startProgram(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'],
    options,
  )
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  pool.on('error', () => undefined)
  await eventually(
    `postgres: ${program.printed()}`,
    async () => (await pool.query('SELECT 1')).rowCount ?? undefined,
  )
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    pool,
    async close() {
      await pool.end()
      await program.stop('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
