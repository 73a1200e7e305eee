/**
 * Resolves when all messages from Redis that have reached this machine are processed, so that a
 * cache is as recent as this moment. Between two turns of the event loop, Node polls for input once
 * in full.
 */
export async function pendingMessages(): Promise<void> {
  await nextTurn()
  await nextTurn()
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
