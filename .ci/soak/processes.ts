import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Question, Setup } from './app.js'

/** A process of the app. */
export interface AppProcess {
  readonly port: number
  ask<T>(question: Question): Promise<T>
  end(): Promise<void>
}

/** Starts a process of the app, with `--expose-gc`. */
export async function startApp(setup: Setup): Promise<AppProcess> {
  const child = fork(join(import.meta.dirname, 'app.ts'), {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  process.once('exit', () => child.kill('SIGKILL'))
  child.send(setup)
  const failed = failure(child)
  // A question that waits meanwhile rejects.
  failed.catch(() => undefined)
  const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }]
  const pending = new Map<number, (reply: never) => void>()
  let questions = 0
  child.on('message', ({ id, reply }: { id: number; reply: never }) => {
    pending.get(id)?.(reply)
    pending.delete(id)
  })
  return {
    port,
    ask(question) {
      const id = ++questions
      const reply = new Promise<never>((resolve) => pending.set(id, resolve))
      child.send({ ...question, id })
      return Promise.race([reply, failed])
    },
    async end() {
      child.send({ is: 'end' } satisfies Question)
      await once(child, 'exit')
    },
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null]
  throw new Error(`a process of the app ended with ${code}`)
}
