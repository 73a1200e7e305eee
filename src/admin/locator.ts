import type { AddressLocation, AdminOptions } from './options.js'

/** Finds where addresses are. */
export class Locator {
  readonly #locate: AdminOptions['locate']
  readonly #onError: (error: unknown) => void

  /** `onError` receives what `locate` throws: the location is then unknown. */
  constructor(locate: AdminOptions['locate'], onError: (error: unknown) => void) {
    this.#locate = locate
    this.#onError = onError
  }

  /** Where an address is; `undefined` if that is not known. */
  async find(ipAddress: string | undefined): Promise<AddressLocation | undefined> {
    if (ipAddress === undefined) return undefined
    try {
      return (await this.#locate?.(ipAddress)) ?? undefined
    } catch (error) {
      this.#onError(error)
      return undefined
    }
  }
}
