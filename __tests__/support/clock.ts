import { jest } from '@jest/globals'

/** Fakes only `Date`: timers and sockets are real. */
export function fakeDate(start = Date.UTC(2030, 0, 1)) {
  jest.useFakeTimers({
    now: start,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'requestAnimationFrame',
      'cancelAnimationFrame',
      'requestIdleCallback',
      'cancelIdleCallback',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  })
  return {
    /** Seconds; may be negative. */
    forward: (seconds: number) => void jest.setSystemTime(Date.now() + seconds * 1000),
    set: (at: number) => void jest.setSystemTime(at),
  }
}

export function realDate(): void {
  jest.useRealTimers()
}
