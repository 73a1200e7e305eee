import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { SessionMemory } from '../support/memory-process.js'

test('a session takes at most 500 bytes of heap in addition to what is encrypted', async () => {
  const child = fork(join(process.cwd(), '__tests__/support/memory-process.ts'), {
    execArgv: ['--import', 'tsx', '--expose-gc'],
  })
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`exit ${code}`)))
  const [{ perSession, isFound }] = (await Promise.race([once(child, 'message'), ended])) as [
    SessionMemory,
  ]
  expect(perSession).toBeLessThanOrEqual(500)
  // Less than what the data needs would mean that the sessions have gone.
  expect(perSession).toBeGreaterThan(250)
  expect(isFound).toBe(true)
})
