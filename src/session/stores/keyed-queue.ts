/** One at a time per key, in the order of asking. */
export type KeyedQueue = <T>(key: string, run: () => Promise<T>) => Promise<T>

/** Beyond it those who ask for a turn are refused: what nobody answers must not be waited for without end. */
const MAX_WAITING = 100

export function createKeyedQueue(): KeyedQueue {
  const queues = new Map<string, { tail: Promise<unknown>; waiting: number }>()
  return async (key, run) => {
    const queue = queues.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
    if (queue.waiting >= MAX_WAITING)
      throw new Error('too many writes of one record wait for the store')
    queue.waiting++
    queues.set(key, queue)
    const mine = queue.tail.then(run)
    queue.tail = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      queue.waiting--
      if (queue.waiting === 0) queues.delete(key)
    }
  }
}
