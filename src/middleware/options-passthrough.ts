import type { AppRequest } from '../http/request.js'
import type { Logger } from '../options/options.js'
import { OccasionalWarning } from './occasional-warning.js'

/** The option `optionsPassthrough`: OPTIONS requests pass without authentication. */
export class OptionsPassthrough {
  readonly #isEnabled: boolean
  readonly #warning: OccasionalWarning

  constructor({ optionsPassthrough, logger }: { optionsPassthrough: boolean; logger: Logger }) {
    this.#isEnabled = optionsPassthrough
    this.#warning = new OccasionalWarning(
      logger,
      'a method override has no effect on an OPTIONS request that passes without authentication',
    )
  }

  /**
   * Whether the request passes. Both the client and a method override in front of the gate must
   * have chosen OPTIONS.
   */
  applies(req: AppRequest & { originalMethod?: unknown }): boolean {
    if (!this.#isEnabled || req.method !== 'OPTIONS') return false
    if (typeof req.originalMethod === 'string' && req.originalMethod !== 'OPTIONS') return false
    this.#pinMethod(req)
    return true
  }

  /** Otherwise a method override behind the gate could turn the request into a DELETE. */
  #pinMethod(req: AppRequest): void {
    Object.defineProperty(req, 'method', {
      get: () => 'OPTIONS',
      set: (method: unknown) => {
        if (method === 'OPTIONS') return
        this.#warning.log({ hint: 'send the request with the method that you mean' })
      },
      configurable: true,
      enumerable: true,
    })
  }
}
