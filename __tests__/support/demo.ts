import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface Demo {
  origin: string
  /** What it printed. */
  output: string
  close(): Promise<void>
}

/** Runs an example of ours against the built package, on a free port. */
export async function startDemo(example: string, env: Record<string, string> = {}): Promise<Demo> {
  const root = process.cwd()
  if (!['index.js', 'dev.js'].every((file) => existsSync(join(root, 'dist', file))))
    execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'ignore' })
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', join('examples', example)],
    {
      cwd: root,
      env: { PATH: process.env['PATH'], NODE_ENV: 'development', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const origin = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += String(chunk)
      const address = /http:\/\/localhost:\d+(?=\s)/.exec(output)?.[0]
      // All of it is printed at once: what follows the address is there, too.
      if (address !== undefined) resolve(address)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    void exited.then(() => reject(new Error(`the example stopped: ${output}`)))
  })
  return {
    origin,
    get output() {
      return output
    },
    async close() {
      child.kill()
      await exited
    },
  }
}
