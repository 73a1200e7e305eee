import type { ImportDraft } from '../draft.js'
import { parseSeconds } from '../duration.js'
import { settingName, type SettingType, settingTypes } from './setting-types.js'

/** The settings of a configuration of oauth2-proxy, under the names of its configuration file. */
export class Settings {
  readonly #values = new Map<string, unknown>()
  readonly #keys = new Map<string, string>()

  /** Reports settings that are unknown, set twice or wrong. */
  constructor(source: Readonly<Record<string, unknown>>, draft: ImportDraft) {
    for (const [key, value] of Object.entries(source)) {
      if (value === undefined || value === null) continue
      const name = settingName(key)
      if (name === undefined)
        draft.cannot(key, 'is unknown: check its spelling, or configure it by hand.')
      else if (this.#values.has(name)) draft.mistake(key, `is set twice, also as ${name}`)
      else this.#set(key, name, value, draft)
    }
  }

  #set(key: string, name: string, value: unknown, draft: ImportDraft): void {
    const type = settingTypes[name] ?? 'text'
    const parsed = parsers[type](value)
    if (parsed === undefined) return draft.mistake(key, problems[type])
    // An empty value is the default of oauth2-proxy.
    if (parsed === '' || (Array.isArray(parsed) && parsed.length === 0)) return
    this.#values.set(name, parsed)
    this.#keys.set(name, key)
  }

  /** The names of all settings. */
  get names(): readonly string[] {
    return [...this.#values.keys()]
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The value of a setting of any type, as it was parsed. */
  value(name: string): unknown {
    return this.#values.get(name)
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): readonly string[] {
    const value = this.#values.get(name)
    return Array.isArray(value) ? (value as readonly string[]) : []
  }

  /** `otherwise` is the default of oauth2-proxy. */
  flag(name: string, otherwise = false): boolean {
    const value = this.#values.get(name)
    return typeof value === 'boolean' ? value : otherwise
  }

  /** Seconds. */
  duration(name: string): number | undefined {
    const value = this.#values.get(name)
    return typeof value === 'number' ? value : undefined
  }

  /** How the configuration spells the name of a setting. */
  key(name: string): string {
    return this.#keys.get(name) ?? name
  }
}

const parsers: Readonly<Record<SettingType, (value: unknown) => unknown>> = {
  text: (value) =>
    typeof value === 'string'
      ? value.trim()
      : typeof value === 'number'
        ? String(value)
        : undefined,
  texts: (value) => {
    const items: readonly unknown[] = typeof value === 'string' ? value.split(',') : [value].flat()
    if (!items.every((item) => typeof item === 'string')) return undefined
    const texts = [...new Set(items.map((item) => item.trim()))].filter((item) => item !== '')
    // Without it, a rule that no user meets would become none.
    const isBlank = texts.length === 0 && items.length > 0 && value !== ''
    return isBlank ? undefined : texts
  },
  flag: (value) => {
    if (typeof value === 'boolean') return value
    const text = typeof value === 'string' ? value.trim().toLowerCase() : undefined
    return { true: true, '1': true, t: true, false: false, '0': false, f: false, '': '' }[
      text ?? 'none'
    ]
  },
  duration: (value) => (value === '' ? '' : parseSeconds(value)),
  integer: (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
  },
}

const problems: Readonly<Record<SettingType, string>> = {
  text: 'must be a string',
  texts: 'must be a string or an array of strings, which are not empty',
  flag: 'must be true or false',
  duration: "must be a duration, as in '4h' or '1h30m'",
  integer: 'must be an integer',
}
