import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Provider } from '../../access/provider.js'
import { readStoredChange, type StoredChange } from '../../options/stored-change.js'
import { KeyedQueue } from '../../session/stores/keyed-queue.js'
import { ConfigChangeError, type ChangeRequest } from './access.js'
import type { ConfigReader } from './config-reader.js'
import type { ConfigRecords, FoundDocument } from './config-records.js'
import { isOlder, isSameDocument, type StoredDocument } from './document.js'
import type { EffectiveConfiguration, PreparedConfiguration } from './effective-configuration.js'

type Update = (current: StoredChange | undefined) => StoredChange | undefined

/** What {@link ConfigChanges} depends on. */
export interface ConfigChangesDeps {
  readonly configVersion: number
  readonly records: ConfigRecords
  readonly effective: EffectiveConfiguration
  readonly reader: ConfigReader
}

/** Longer than the lock that a process holds when it is killed. */
const GIVE_UP_AFTER_MS = 15_000
const RETRY_MS = 50
/** After this time, a write of another process to a store without atomic updates is visible. */
const VERIFY_AFTER_MS = 150
const MAX_CHANGED_BY = 256

/** Changes the stored configuration without losing the change of another process. */
export class ConfigChanges {
  readonly #deps: ConfigChangesDeps
  /** Changes in this process run one after the other. */
  readonly #queue = new KeyedQueue()

  constructor(deps: ConfigChangesDeps) {
    this.#deps = deps
  }

  /** See `ConfigurationAccess.change()`. */
  change(update: Update, request: ChangeRequest): Promise<StoredDocument> {
    return this.#queue.run('', async () => {
      const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
      for (;;) {
        const document = await this.#tryChange(update, request)
        if (document !== undefined) return document
        if (performance.now() >= giveUpAt) throw new ConfigChangeError('conflict')
        await sleep(RETRY_MS * (0.5 + Math.random()))
      }
    })
  }

  /** Returns `undefined` if another change came in between. */
  async #tryChange(update: Update, request: ChangeRequest): Promise<StoredDocument | undefined> {
    const { effective, reader, records } = this.#deps
    const found = await records.read()
    const base = this.#baseOf(found)
    if (request.ifVersion !== undefined && request.ifVersion !== (base?.version ?? 0))
      throw new ConfigChangeError('stale_version')
    const given = update(base?.change)
    const document = this.#next(base, given && readStoredChange(given), request)
    if (base !== undefined && isStored(found, base) && isEqual(document.change, base.change)) {
      effective.prepare(base)
      reader.load(base)
      return base
    }
    await this.#keepReplaced(found, base, request)
    if (!(await records.replace(found, document))) return undefined
    if (!(await this.#isKept(found, document))) return undefined
    reader.load(document)
    return document
  }

  /** The document that the change is made on. */
  #baseOf(found: FoundDocument): StoredDocument | undefined {
    const { configVersion, effective, reader } = this.#deps
    if (found.outcome === 'unreadable') throw new ConfigChangeError('unreadable')
    const known = effective.document
    if (found.outcome === 'absent') return known
    const { document } = found
    if (document.configVersion > configVersion) throw new ConfigChangeError('stale_config_version')
    // The store has lost the latest version, which is still in effect here.
    if (isOlder(document, known)) return known
    return document.configVersion < configVersion ? reader.takeOver(document) : document
  }

  /** The next document. Throws a `TypeError` if its change is invalid. */
  #next(
    base: StoredDocument | undefined,
    change: StoredChange | undefined,
    { changedBy }: ChangeRequest,
  ): StoredDocument {
    const document = {
      configVersion: this.#deps.configVersion,
      version: (base?.version ?? 0) + 1,
      change,
      changedAt: Date.now(),
      changedBy: changedBy.slice(0, MAX_CHANGED_BY),
    }
    const epochs = this.#epochsOf(base, { ...document, epochs: {} })
    return { ...document, epochs }
  }

  /**
   * A provider whose client or endpoints are others starts a new epoch: sessions and tokens of before
   * must not reach it, also if a later change goes back.
   */
  #epochsOf(base: StoredDocument | undefined, next: StoredDocument): StoredDocument['epochs'] {
    const { effective } = this.#deps
    const before = providersOf(() => effective.prepare(base))
    const changed = effective
      .prepare(next)
      .config.providers.filter((provider) => !isSameClient(before.get(provider.name), provider))
      .map(({ name }) => [name, randomBytes(9).toString('base64url')] as const)
    return { ...base?.epochs, ...Object.fromEntries(changed) }
  }

  async #keepReplaced(
    found: FoundDocument,
    base: StoredDocument | undefined,
    { keepHistory }: ChangeRequest,
  ): Promise<void> {
    const { configVersion, records } = this.#deps
    const isEarlier = found.outcome === 'found' && found.document.configVersion < configVersion
    if (isEarlier) await records.archive(found.document)
    else if (base !== undefined)
      await records.keepInHistory(base, keepHistory === undefined ? undefined : keepHistory * 1000)
  }

  /**
   * Whether no other process has overwritten the document: only an atomic update of an existing
   * record rules that out.
   */
  async #isKept(found: FoundDocument, document: StoredDocument): Promise<boolean> {
    const { records } = this.#deps
    if (records.isAtomic && found.outcome === 'found') return true
    await sleep(VERIFY_AFTER_MS)
    return isStored(await records.read(), document)
  }
}

function isStored(found: FoundDocument, document: StoredDocument): boolean {
  return found.outcome === 'found' && isSameDocument(found.document, document)
}

function isEqual(a: StoredChange | undefined, b: StoredChange | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** The providers by name; none if the configuration is not valid in this process. */
function providersOf(prepare: () => PreparedConfiguration): ReadonlyMap<string, Provider> {
  try {
    return new Map(prepare().config.providers.map((provider) => [provider.name, provider]))
  } catch {
    return new Map()
  }
}

function isSameClient(before: Provider | undefined, after: Provider): boolean {
  return before?.clientId === after.clientId && originsOf(before) === originsOf(after)
}

function originsOf({ endpoints }: Provider): string {
  return JSON.stringify(
    Object.entries(endpoints ?? {}).map(([name, url]) => [
      name,
      URL.canParse(url) ? new URL(url).origin : url,
    ]),
  )
}
