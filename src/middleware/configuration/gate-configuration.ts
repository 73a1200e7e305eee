import { OAuthError } from '../../http/errors.js'
import type { OAuthModuleOptions } from '../../options/options.js'
import type { StoredChange } from '../../options/stored-change.js'
import { isMemoryStore } from '../../session/stores/memory-store.js'
import {
  type ChangeRequest,
  ConfigChangeError,
  type ConfigurationAccess,
  type StoredVersion,
  toStoredVersion,
} from './access.js'
import { ConfigChanges } from './config-changes.js'
import { ConfigFollower } from './config-follower.js'
import { ConfigReader } from './config-reader.js'
import { ConfigRecords } from './config-records.js'
import { differencesOfChanges } from './differences.js'
import { isOlder, isSameDocument } from './document.js'
import { type ConfigurationHost, EffectiveConfiguration } from './effective-configuration.js'
import { type Follower, registerFollower } from './followers.js'
import { ConfigurationReports } from './reports.js'

/** The parts that follow the store: only with the option `configVersion`. */
interface Following {
  readonly reader: ConfigReader
  readonly follower: ConfigFollower
  readonly changes: ConfigChanges
}

/** The configuration of a gate: that of the code, and the change of it that the store keeps. */
export class GateConfiguration implements ConfigurationAccess {
  readonly configVersion: number | undefined
  readonly #host: ConfigurationHost
  readonly #effective: EffectiveConfiguration
  readonly #records: ConfigRecords
  readonly #reports: ConfigurationReports
  readonly #following: Following | undefined
  #registered: Follower | undefined

  constructor(options: OAuthModuleOptions, host: ConfigurationHost) {
    const { current } = host
    const { configVersion } = current().config
    this.configVersion = configVersion
    this.#host = host
    this.#effective = new EffectiveConfiguration(options, host)
    this.#records = new ConfigRecords(current().config, current)
    this.#reports = new ConfigurationReports(() => current().config.logger, this.#records.key)
    this.#following = configVersion === undefined ? undefined : this.#follow(configVersion)
  }

  /** Whether requests may pass without a wait: the store has been read lately, or is not followed. */
  get isReady(): boolean {
    const following = this.#following
    return following === undefined || (following.reader.isLoaded && following.follower.isFresh)
  }

  get key(): string {
    return this.#records.key
  }

  get options(): Readonly<Record<string, unknown>> {
    return { ...this.#effective.options }
  }

  get codeOptions(): Readonly<Record<string, unknown>> {
    return { ...this.#effective.code }
  }

  get isEnabled(): boolean {
    return this.#host.current().config.enabled
  }

  get isVolatile(): boolean {
    return isMemoryStore(this.#host.current().config.store)
  }

  /** Starts to follow the store. */
  start(): void {
    if (this.#following === undefined) return
    const { id, store, storeOption = store } = this.#host.current().config
    this.#registered = registerFollower(storeOption as object, this.key)
    // With an id, it is intended. Without one, gates of several mounts have the same key.
    if (id === undefined && this.#registered.isDuplicate) this.#reports.duplicate()
    this.#following.follower.start()
  }

  /**
   * Waits for the read in progress, or for one if the last was long ago. Returns whether requests may
   * pass: the stored configuration has been read, even if it cannot be read again now.
   */
  async loaded(): Promise<boolean> {
    if (this.#following === undefined) return true
    const { reader, follower } = this.#following
    if (reader.isLoaded && !follower.isFresh) await follower.refresh()
    else await follower.settled()
    return reader.isLoaded
  }

  /** Why no request may pass. */
  notLoaded(): OAuthError {
    return new OAuthError('store_unavailable', {
      hint: `the stored configuration has not been read: ${this.#reports.problem ?? 'the store has not responded yet'}`,
    })
  }

  /** Reads the store now. Throws `store_unavailable` if no request may pass. */
  async ready(): Promise<void> {
    if (this.#following === undefined || this.#following.reader.isLoaded) return
    await this.#following.follower.refresh()
    if (!this.#following.reader.isLoaded) throw this.notLoaded()
  }

  /** Replaces the options of the code. A stored change stays. Throws a `TypeError`. */
  reconfigure(options: OAuthModuleOptions): void {
    const effective = this.#effective
    const document = effective.document
    // The change may go: the code must be valid without it.
    const code = effective.prepare(undefined, options)
    effective.adopt(document === undefined ? code : effective.prepare(document, options))
  }

  async current(): Promise<StoredVersion> {
    const version = await this.#current()
    return version ?? NO_VERSION
  }

  async change(
    update: (current: StoredChange | undefined) => StoredChange | undefined,
    request: ChangeRequest,
  ): Promise<StoredVersion> {
    if (this.#following === undefined) throw new ConfigChangeError('not_followed')
    return toStoredVersion(await this.#following.changes.change(update, request))
  }

  async *history(limit: number, before = Infinity): AsyncGenerator<StoredVersion> {
    const current = await this.#records.read()
    let count = 0
    for await (const document of this.#records.history()) {
      // A change that did not come to its end has kept the version that it did not replace.
      if (current.outcome === 'found' && isSameDocument(current.document, document)) continue
      if (document.version >= before) continue
      if (count++ >= limit) return
      yield toStoredVersion(document)
    }
  }

  differences(
    before: StoredChange | undefined,
    after: StoredChange | undefined,
  ): readonly string[] {
    return differencesOfChanges(this.#effective.code, before, after)
  }

  /** Stops following the store. */
  async close(): Promise<void> {
    this.#registered?.release()
    this.#registered = undefined
    await this.#following?.follower.close()
  }

  async #current(): Promise<StoredVersion | undefined> {
    const following = this.#following
    if (following === undefined) return undefined
    const found = await this.#records.read()
    if (found.outcome === 'unreadable') throw new ConfigChangeError('unreadable')
    await following.reader.handle(found)
    const known = this.#effective.document
    if (found.outcome === 'absent') return known && toStoredVersion(known)
    const { document } = found
    const { configVersion = 0 } = this
    const isCurrent =
      document.configVersion > configVersion ||
      (document.configVersion === configVersion && !isOlder(document, known))
    // A document that this process does not accept is the current one nevertheless.
    return toStoredVersion(isCurrent ? document : (known ?? document))
  }

  #follow(configVersion: number): Following {
    const { current } = this.#host
    const [effective, records, reports] = [this.#effective, this.#records, this.#reports]
    const reader = new ConfigReader({ configVersion, records, effective, reports })
    return {
      reader,
      follower: new ConfigFollower({ key: this.key, current, reader, reports }),
      changes: new ConfigChanges({ configVersion, records, effective, reader }),
    }
  }
}

const NO_VERSION: StoredVersion = {
  version: 0,
  change: undefined,
  changedAt: 0,
  changedBy: '',
  configVersion: 0,
}
