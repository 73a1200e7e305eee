/**
 * Waits until all that had reached this machine from Redis by now has been heard: what a cache says after that is as new
 * as the moment of asking. Two turns of the event loop have a whole poll for input between them.
 */
export async function pendingMessages(): Promise<void> {
  await turn()
  await turn()
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
