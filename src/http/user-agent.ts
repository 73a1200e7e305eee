import Bowser from 'bowser'
import { createCache } from '../http/create-cache.js'

/** A user agent in ngrok's format. */
export interface UserAgentView {
  readonly raw: string
  readonly browser_name: string | null
  readonly browser_version: string | null
  readonly device_type: string | null
  readonly os_name: string | null
  readonly os_version: string | null
}

const UNKNOWN = {
  browser_name: null,
  browser_version: null,
  device_type: null,
  os_name: null,
  os_version: null,
}

/** Describes user agents. Many sessions have the same one, so it remembers the latest. */
export class UserAgents {
  readonly #views = createCache<UserAgentView>({ max: 1000 })

  /** The parts of a `User-Agent` header; `null` for those that it does not contain. */
  view(raw: string | undefined): UserAgentView {
    if (raw === undefined || raw.trim() === '') return { raw: raw ?? '', ...UNKNOWN }
    let view = this.#views.get(raw)
    if (view === undefined) {
      view = parse(raw)
      this.#views.set(raw, view)
    }
    return view
  }
}

function parse(raw: string): UserAgentView {
  const { browser, os, platform } = Bowser.parse(raw)
  const type = platform.type ?? ''
  return {
    raw,
    browser_name: textOf(browser.name),
    browser_version: textOf(browser.version),
    device_type: textOf(type.charAt(0).toUpperCase() + type.slice(1)),
    os_name: textOf(os.name),
    // Windows sends the version of its kernel, such as `NT 10.0`.
    os_version: textOf(os.name === 'Windows' ? os.versionName : os.version),
  }
}

function textOf(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value
}
