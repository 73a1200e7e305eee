import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const root = resolve(__dirname, '../..')

export const binaries = join(root, 'node_modules/.bin')

/** What the package needs at run time, and nothing else. */
export const runtime = ['cookie', 'jose', 'lru-cache', 'openid-client', 'oauth4webapi']

export interface Ended {
  code: number
  output: string
}

/** Runs a program of this machine; returns its output with any exit code. */
export async function run(cwd: string, command: string, args: readonly string[]): Promise<Ended> {
  const { NODE_OPTIONS: _, ...env } = process.env
  try {
    const { stdout, stderr } = await exec(command, [...args], {
      cwd,
      env,
      maxBuffer: 16 * 1024 * 1024,
    })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    return {
      code: typeof code === 'number' ? code : 1,
      output: `${stdout ?? ''}${stderr ?? ''}` || String(error),
    }
  }
}

/** The tarball as it would be published, in a folder of its own. */
export class Packed {
  readonly #folder = mkdtempSync(join(tmpdir(), 'oauth-module-package-'))
  #count = 0
  tarball = ''

  async pack(): Promise<void> {
    const { code, output } = await run(root, 'npm', [
      'pack',
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      this.#folder,
    ])
    const name = /^\S+\.tgz$/m.exec(output)?.[0]
    if (code !== 0 || name === undefined) throw new Error(`npm pack: ${output}`)
    this.tarball = join(this.#folder, name)
  }

  async files(): Promise<string[]> {
    const { output } = await run(this.#folder, 'tar', ['-tzf', this.tarball])
    return output
      .trim()
      .split('\n')
      .map((file) => file.replace(/^package\//, ''))
      .sort()
  }

  /**
   * A project with the package unpacked into it and `links`, packages of this repository, linked
   * next to it.
   */
  async project(
    files: Readonly<Record<string, string>>,
    links: readonly string[],
  ): Promise<string> {
    const folder = join(this.#folder, `project-${++this.#count}`)
    const installed = join(folder, 'node_modules/oauth-module')
    mkdirSync(installed, { recursive: true })
    const { code, output } = await run(installed, 'tar', [
      '-xzf',
      this.tarball,
      '--strip-components=1',
    ])
    if (code !== 0) throw new Error(output)
    for (const name of links) {
      const link = join(folder, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), link)
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return folder
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
