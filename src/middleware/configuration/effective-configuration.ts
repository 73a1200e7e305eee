import { withChange } from '../../options/apply-change.js'
import type { Config } from '../../options/config.js'
import type { OAuthModuleOptions } from '../../options/options.js'
import { checkOptions } from '../../options/parse-options.js'
import type { Composition } from '../composition.js'
import { isSameDocument, type StoredDocument } from './document.js'

/** The gate whose configuration changes. */
export interface ConfigurationHost {
  readonly current: () => Composition
  /** Builds every part of the gate again. */
  readonly apply: (config: Config) => void
}

/** A valid configuration that is not in effect yet. */
export interface PreparedConfiguration {
  readonly config: Config
  /** The options of the code. */
  readonly code: OAuthModuleOptions
  /** Those of the code with the change. */
  readonly options: OAuthModuleOptions
  readonly document: StoredDocument | undefined
  readonly announce: () => void
}

/** The configuration that is in effect in this process: the options of the code with a change. */
export class EffectiveConfiguration {
  readonly #host: ConfigurationHost
  #code: OAuthModuleOptions
  #options: OAuthModuleOptions
  #document: StoredDocument | undefined

  constructor(options: OAuthModuleOptions, host: ConfigurationHost) {
    this.#host = host
    this.#code = options
    this.#options = options
  }

  get code(): OAuthModuleOptions {
    return this.#code
  }

  get options(): OAuthModuleOptions {
    return this.#options
  }

  /** The latest document of this release; `undefined` without one. */
  get document(): StoredDocument | undefined {
    return this.#document
  }

  /** Checks a document as `reconfigure()` checks options. Throws one `TypeError` for all mistakes. */
  prepare(document: StoredDocument | undefined, code = this.#code): PreparedConfiguration {
    const change = document?.change
    const options = change === undefined ? code : withChange(code, change)
    const { config, announce } = checkOptions(options, this.#host.current().config)
    return { config: withEpochs(config, document), code, options, document, announce }
  }

  /** Puts a configuration into effect. */
  adopt(prepared: PreparedConfiguration): void {
    const { config, code, options, document, announce } = prepared
    announce()
    this.#host.apply(config)
    this.#code = code
    this.#options = options
    this.#document = document
  }

  /** Puts a document into effect, unless it is. Returns whether it was not. */
  adoptDocument(document: StoredDocument): boolean {
    if (isSameDocument(this.#document, document)) return false
    const isUnchanged =
      JSON.stringify([this.#document?.change, this.#document?.epochs ?? {}]) ===
      JSON.stringify([document.change, document.epochs])
    if (isUnchanged) this.#document = document
    else this.adopt(this.prepare(document))
    return true
  }
}

function withEpochs(config: Config, document: StoredDocument | undefined): Config {
  const epochs = document?.epochs ?? {}
  if (Object.keys(epochs).length === 0) return config
  const providers = config.providers.map((provider) =>
    Object.hasOwn(epochs, provider.name) ? { ...provider, epoch: epochs[provider.name] } : provider,
  )
  return { ...config, providers }
}
