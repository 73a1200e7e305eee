import type { Awaitable } from '../../session/stores/store.js'
import type { ConfigRecords, FoundDocument } from './config-records.js'
import { isOlder, type StoredDocument } from './document.js'
import type { EffectiveConfiguration } from './effective-configuration.js'
import type { ConfigurationReports } from './reports.js'

type Found = Extract<FoundDocument, { outcome: 'found' }>

/** What {@link ConfigReader} depends on. */
export interface ConfigReaderDeps {
  /** The option of this name. */
  readonly configVersion: number
  readonly records: ConfigRecords
  readonly effective: EffectiveConfiguration
  readonly reports: ConfigurationReports
}

/** After this time, all processes of a rolling deploy have the new secret. */
const RENEW_AFTER_MS = 600_000

/** Reads the stored configuration, and decides what it means for this process. */
export class ConfigReader {
  readonly #deps: ConfigReaderDeps
  #isLoaded = false
  readonly #startedAt = performance.now()

  constructor(deps: ConfigReaderDeps) {
    this.#deps = deps
  }

  /** Whether the configuration in effect is known to be that of the store. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Reads the store once. Synchronous when the store is, unless something must be written. */
  read(): Awaitable<void> {
    const found = this.#deps.records.read()
    return found instanceof Promise
      ? found.then((settled) => this.handle(settled))
      : this.handle(found)
  }

  /** Puts what was found into effect. Throws if that is not possible. */
  handle(found: FoundDocument): Awaitable<void> {
    const { effective, reports, configVersion } = this.#deps
    if (found.outcome === 'unreadable') return reports.unreadable(this.#isLoaded)
    if (found.outcome === 'absent') {
      // A store that lost its records must not bring back the configuration of the code.
      if (effective.document !== undefined) return this.#restore(found, effective.document)
      this.load(undefined)
      return undefined
    }
    const { document } = found
    if (document.configVersion > configVersion) return this.#yieldTo(document)
    if (document.configVersion < configVersion) return this.#replaceEarlier(found)
    const known = effective.document
    if (known !== undefined && isOlder(document, known)) return this.#restore(found, known)
    if (!this.load(document) || this.#deps.records.isCurrent(found.row)) return undefined
    return this.#renew(found)
  }

  /** Puts a document into effect, or the code alone. Returns whether it is valid. */
  load(document: StoredDocument | undefined): boolean {
    const { effective, reports } = this.#deps
    let isNew = !this.#isLoaded
    try {
      if (document !== undefined && effective.adoptDocument(document)) isNew = true
    } catch (error) {
      reports.invalid(error, this.#isLoaded)
      return false
    }
    this.#isLoaded = true
    if (isNew) reports.inEffect(effective)
    reports.succeeded(effective)
    return true
  }

  /**
   * A later release takes precedence in the store. This process keeps what it has; one that starts
   * takes the last change of its own release, so that going back to a release brings nothing back
   * that was changed on it.
   */
  async #yieldTo(document: StoredDocument): Promise<void> {
    const { configVersion, records, reports } = this.#deps
    reports.superseded(document)
    if (this.#isLoaded) return
    this.load(await records.readArchived(configVersion))
  }

  /** The code of this release takes precedence over a change that was made on an earlier one. */
  async #replaceEarlier(found: Found): Promise<void> {
    const { effective, reports } = this.#deps
    const { document } = found
    const known = effective.document
    if (known === undefined || known.version <= document.version) {
      if (!this.load(this.takeOver(document))) return
      if (document.change !== undefined) reports.archived(document)
    }
    if (effective.document !== undefined) await this.#restore(found, effective.document)
  }

  /**
   * The document of this release that follows one of an earlier release. The same in all processes,
   * so that they do not overwrite each other's.
   */
  takeOver(document: StoredDocument): StoredDocument {
    const { configVersion } = this.#deps
    return {
      configVersion,
      version: document.version + 1,
      change: undefined,
      changedAt: document.changedAt + 1,
      changedBy: `configVersion: ${configVersion}`,
      epochs: document.epochs,
    }
  }

  /** Writes a document that the store does not have any more, or not yet. */
  async #restore(found: FoundDocument, document: StoredDocument): Promise<void> {
    const { configVersion, records, reports } = this.#deps
    const isEarlier = found.outcome === 'found' && found.document.configVersion < configVersion
    if (isEarlier) await records.archive(found.document)
    else if (found.outcome === 'found') await records.keepInHistory(found.document)
    if ((await records.replace(found, document)) && !isEarlier) reports.restored(found.outcome)
  }

  /** Encrypts the document with the first secret, so that the others can be removed. */
  async #renew(found: Found): Promise<void> {
    if (performance.now() - this.#startedAt < RENEW_AFTER_MS) return
    await this.#deps.records.replace(found, found.document)
  }
}
