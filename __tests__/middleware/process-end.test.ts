import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'

let child: ChildProcess | undefined
// Also if it does not end, and the test times out.
afterEach(() => void child?.kill('SIGKILL'))

test.each([
  ['with close()', true],
  ['without close(), because no timer keeps it alive', false],
])(
  'S-118 a process ends when its servers are closed, %s: after a login, and a request whose signal was read',
  async (_, mustClose) => {
    child = fork(join(process.cwd(), '__tests__/support/ending-process.ts'), {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const ended = once(child, 'exit')
    child.send(mustClose)
    const [used] = await once(child, 'message')
    expect(used).toEqual({ status: 200, signals: 1 })
    expect(await ended).toEqual([0, null])
  },
)
