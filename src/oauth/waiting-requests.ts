/** A request that waits for its turn. */
export interface WaitingRequest {
  /** The address of the client. */
  readonly address: string
  readonly start: () => void
  /** Rejects the request, because too many wait. */
  readonly reject: () => void
}

/**
 * Requests that wait. The addresses of clients take turns, so that one of them cannot delay the
 * others by sending more.
 */
export class WaitingRequests {
  /** The first address is next. */
  readonly #byAddress = new Map<string, WaitingRequest[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(request: WaitingRequest): void {
    const requests = this.#byAddress.get(request.address)
    if (requests === undefined) this.#byAddress.set(request.address, [request])
    else requests.push(request)
    this.#size++
  }

  remove(request: WaitingRequest): void {
    const requests = this.#byAddress.get(request.address) ?? []
    const index = requests.indexOf(request)
    if (index !== -1) this.#splice(requests, index)
  }

  /** Removes the next request of an address that `mayStart`. */
  takeNext(mayStart: (address: string) => boolean): WaitingRequest | undefined {
    for (const [address, requests] of this.#byAddress) {
      if (!mayStart(address)) continue
      this.#byAddress.delete(address)
      this.#byAddress.set(address, requests)
      return this.#splice(requests, 0)
    }
    return undefined
  }

  /**
   * Removes the latest request of the address with most requests, if it has more than `address`.
   */
  takeFromBusiest(address: string): WaitingRequest | undefined {
    let busiest = this.#byAddress.get(address) ?? []
    for (const requests of this.#byAddress.values())
      if (requests.length > busiest.length) busiest = requests
    return busiest === this.#byAddress.get(address)
      ? undefined
      : this.#splice(busiest, busiest.length - 1)
  }

  #splice(requests: WaitingRequest[], index: number): WaitingRequest | undefined {
    const [request] = requests.splice(index, 1)
    if (request === undefined) return undefined
    if (requests.length === 0) this.#byAddress.delete(request.address)
    this.#size--
    return request
  }
}
