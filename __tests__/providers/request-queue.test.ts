import { describe, expect, test } from '@jest/globals'
import { RequestQueue } from '../../src/oauth/request-queue.js'

/** A queue whose requests last until they are ended, and the order in which they started. */
function setUp(concurrency: number) {
  const queue = new RequestQueue(concurrency)
  const started: string[] = []
  const running: (() => void)[] = []
  const run = (name: string, address?: string, deadline = new AbortController().signal) =>
    queue
      .run(
        deadline,
        () =>
          new Promise<void>((resolve) => {
            started.push(name)
            running.push(resolve)
          }),
        address,
      )
      .then(
        () => 'done',
        (error: unknown) => (error as { code: string }).code,
      )
  const endOne = async () => {
    running.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { queue, started, run, endOne }
}

describe('C6: requests that wait', () => {
  test('C6: addresses take turns, however many requests one of them has', async () => {
    const { started, run, endOne } = setUp(1)
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']) void run(name, name[0])
    for (let turn = 0; turn < 7; turn++) await endOne()
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'c2', 'a4'])
  })

  test('C6: if 1000 wait, a newcomer replaces the latest request of the busiest address', async () => {
    const { started, run, endOne } = setUp(1)
    void run('first', 'a')
    const waiting = Array.from({ length: 1_000 }, (_, index) => run(`a${index}`, 'a'))
    const newcomer = run('b', 'b')
    expect(await waiting[999]).toBe('provider_busy')
    // The busiest address itself is rejected.
    expect(await run('a1000', 'a')).toBe('provider_busy')
    await endOne()
    await endOne()
    await endOne()
    expect(started).toEqual(['first', 'a0', 'b', 'a1'])
    expect(await newcomer).toBe('done')
  })

  test('C6: a limited address that waits does not hold up the others', async () => {
    const { queue, started, run, endOne } = setUp(10)
    for (let failure = 0; failure < 11; failure++) queue.countFailure('a')
    for (let index = 0; index < 8; index++) void run(`a${index}`, 'a')
    void run('b', 'b')
    expect(started).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b'])
    await endOne()
    expect(started.at(-1)).toBe('a5')
  })

  test('C6: failures of unknown addresses limit no client', () => {
    const { queue, started, run } = setUp(10)
    for (let failure = 0; failure < 100; failure++) queue.countFailure(undefined)
    for (let index = 0; index < 8; index++) void run(`${index}`)
    expect(started).toHaveLength(8)
  })

  test('a request whose deadline passes leaves the queue', async () => {
    const { started, run, endOne } = setUp(1)
    const deadline = new AbortController()
    void run('a')
    const waiting = run('b', undefined, deadline.signal)
    void run('c')
    deadline.abort()
    expect(await waiting).toBe('provider_timeout')
    await endOne()
    expect(started).toEqual(['a', 'c'])
  })
})
