/** The methods of a logger that a provider's part of the code uses. */
export interface ProviderLogger {
  debug(message: string, facts?: object): void
  info(message: string, facts?: object): void
  warn(message: string, facts?: object): void
}

/** Users cause these warnings, so their number has a limit. */
const MAX_MESSAGES = 100

/** What the owner should know about one provider. Every line names the provider. */
export class ProviderLog {
  readonly #provider: string
  readonly #logger: ProviderLogger
  readonly #warnings = new Set<string>()

  constructor(provider: string, logger: ProviderLogger) {
    this.#provider = provider
    this.#logger = logger
  }

  /** Logs details of a single login. */
  debug(message: string, facts: object = {}): void {
    this.#logger.debug(message, { provider: this.#provider, ...facts })
  }

  /** Logs the consequence of a single login. */
  info(message: string, facts: object = {}): void {
    this.#logger.info(message, { provider: this.#provider, ...facts })
  }

  /** Logs a message once, however many users cause it. `facts` may differ each time. */
  warnOnce(message: string, facts: object = {}): void {
    if (this.#warnings.has(message) || this.#warnings.size >= MAX_MESSAGES) return
    this.#warnings.add(message)
    this.#logger.warn(message, { provider: this.#provider, ...facts })
  }
}
