import { randomBytes } from 'node:crypto'

/** Each request to the generator costs about as much for these as for a few. */
const RESERVE_BYTES = 4096

/** Random bytes that are requested in advance, and erased when they are taken. */
class Reserve {
  #bytes = Buffer.alloc(0)
  #used = 0

  take(count: number): Buffer {
    if (this.#used + count > this.#bytes.length) {
      this.#bytes = randomBytes(RESERVE_BYTES)
      this.#used = 0
    }
    const taken = this.#bytes.subarray(this.#used, this.#used + count)
    const copy = Buffer.from(taken)
    taken.fill(0)
    this.#used += count
    return copy
  }
}

const reserve = new Reserve()

/** Random bytes of `node:crypto`. */
export function random(bytes: number): Buffer {
  return reserve.take(bytes)
}
