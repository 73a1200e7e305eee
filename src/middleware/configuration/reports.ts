import { OAuthError } from '../../http/errors.js'
import type { Log } from '../../options/logger.js'
import { describeError } from '../error-reporter.js'
import { differencesOf } from './differences.js'
import type { FoundDocument } from './config-records.js'
import type { StoredDocument } from './document.js'
import type { EffectiveConfiguration } from './effective-configuration.js'

const DISABLED_INTERVAL_MS = 60_000
const KEPT = 'the configuration that is in effect stays'
const REJECTED = 'requests are rejected with 503 until it can be used'

/** The log of a stored configuration. The same problem is logged at most once a minute. */
export class ConfigurationReports {
  readonly #logger: () => Log
  readonly #key: string
  #problem: string | undefined
  #supersededBy = 0
  #disabledAt = Number.NEGATIVE_INFINITY

  /** @param key The key of the record, for the owner. */
  constructor(logger: () => Log, key: string) {
    this.#logger = logger
    this.#key = key
  }

  /** How to fix the last problem; `undefined` if there is none. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** The store failed. */
  failed(error: unknown, isLoaded: boolean, isQuiet: boolean): void {
    const { hint = 'check the store' } = error instanceof OAuthError ? error : {}
    this.#problem = hint
    if (!isQuiet) this.#error('cannot be read', isLoaded, describeError(error))
  }

  /** The record is not one of this secret. */
  unreadable(isLoaded: boolean): void {
    this.#problem = `the record ${this.#key} of the store was not written with the secret of this gate, is damaged, or is of a later release of oauth-module: set the same secret in all processes, and another id or cookiePrefix in another app. To discard it, delete the record`
    this.#error('cannot be read', isLoaded, { hint: this.#problem })
  }

  /** The code of this process does not accept the change. */
  invalid(error: unknown, isLoaded: boolean): void {
    const mistakes = error instanceof Error ? error.message : 'unknown'
    this.#problem = `it does not fit the code: ${mistakes}. Correct the code, change the configuration, or raise configVersion so that the code takes precedence`
    this.#error('is not valid', isLoaded, { hint: this.#problem })
  }

  /** Another gate of this process has the same key, because neither has an `id`. */
  duplicate(): void {
    this.#logger().warn(
      'two gates without the option id follow the same stored configuration: a change of one is a change of the other',
      { hint: 'set another id for each, or the same id if that is intended' },
    )
  }

  /** The store cannot notify, against its declaration. */
  unwatched(error: unknown): void {
    this.#logger().warn(
      'watch() of the store failed: changes of the stored configuration take effect within 5 seconds',
      describeError(error),
    )
  }

  /** The configuration was read. */
  succeeded({ document, options }: EffectiveConfiguration): void {
    this.#problem = undefined
    if (document?.change?.module === undefined || options.enabled !== false) return
    const now = performance.now()
    if (now - this.#disabledAt < DISABLED_INTERVAL_MS) return
    this.#disabledAt = now
    this.#logger().warn(
      'the stored configuration disables the gate: requests pass without a login',
      {
        hint: `changed by ${document.changedBy}: enable it with the admin API, or raise configVersion`,
      },
    )
  }

  /** States which configuration is in effect. */
  inEffect({ document, code, options }: EffectiveConfiguration): void {
    if (document === undefined)
      return this.#logger().info(
        'the configuration of the code is in effect: the store has no change of it',
      )
    const { version, changedBy, changedAt } = document
    const differences = differencesOf(code, options)
    const what = differences.length === 0 ? 'nothing' : differences.join(', ')
    this.#logger().info(
      `version ${version} of the stored configuration is in effect: it differs from the code in ${what}`,
      { changedBy, changedAt: new Date(changedAt).toISOString() },
    )
  }

  /** A later release has taken over. */
  superseded({ configVersion }: StoredDocument): void {
    if (configVersion === this.#supersededBy) return
    this.#supersededBy = configVersion
    this.#logger().warn(
      `the stored configuration is of a later release (configVersion: ${configVersion}): this process does not follow it`,
      {
        hint: 'this is as expected while a release is deployed. After going back to an earlier release, raise its configVersion above this number',
      },
    )
  }

  /** The code of this release takes precedence. */
  archived({ configVersion, version, changedBy }: StoredDocument): void {
    this.#logger().warn(
      `the code takes precedence over version ${version} of the stored configuration, which was made on configVersion ${configVersion}`,
      { changedBy, hint: 'the version is in the history: repeat the change if it is still needed' },
    )
  }

  /** The store had lost the configuration. */
  restored(outcome: FoundDocument['outcome']): void {
    const what = outcome === 'found' ? 'an older version of' : 'no'
    this.#logger().warn(
      `the store had ${what} configuration: the one that is in effect was written again`,
      {
        hint: 'did the store lose its data, or did other software write it? Use a store that persists them',
      },
    )
  }

  #error(problem: string, isLoaded: boolean, details: object): void {
    const effect = isLoaded ? KEPT : REJECTED
    // Without the code: lines with the same code and hint count as repetitions, whatever they state.
    const withoutCode = { ...details, code: undefined }
    this.#logger().error(`the stored configuration ${problem}: ${effect}`, withoutCode)
  }
}
