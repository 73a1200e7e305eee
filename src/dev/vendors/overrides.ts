import type {
  VendorEndpoint,
  VendorFault,
  VendorOverride,
  VendorRequest,
  VendorResponse,
} from './types.js'

interface Entry {
  readonly override: VendorOverride
  readonly once: boolean
}

/** The responses that a test has set in place of the vendor's own. */
export class Overrides {
  readonly #entries = new Map<VendorEndpoint | '*', Entry>()

  /** Sets the response of an endpoint, or removes it. Returns a function that removes it. */
  set(
    endpoint: VendorEndpoint | '*',
    override: VendorOverride | undefined,
    once: boolean,
  ): () => void {
    this.#entries.delete(endpoint)
    if (override === undefined) return () => undefined
    const entry = { override, once }
    this.#entries.set(endpoint, entry)
    return () => {
      if (this.#entries.get(endpoint) === entry) this.#entries.delete(endpoint)
    }
  }

  /** The response that is set for a request; `undefined` if the vendor responds itself. */
  async responseTo(request: VendorRequest): Promise<VendorResponse | VendorFault | undefined> {
    for (const endpoint of [request.endpoint, '*'] as const) {
      const entry = this.#entries.get(endpoint)
      if (!entry) continue
      if (entry.once) this.#entries.delete(endpoint)
      const { override } = entry
      const response = typeof override === 'function' ? await override(request) : override
      if (response !== undefined) return response
    }
    return undefined
  }
}
