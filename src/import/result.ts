import type { JsonOptions } from '../options/json-options.js'

/** Settings of the command, for a gate that is a reverse proxy in front of an app. */
export interface CommandSettings {
  /** URL of the app. */
  readonly target?: string
  /** Address to listen on, as in `127.0.0.1:4180`. */
  readonly listen?: string
  /** Requests that need no login, as in `GET /health`. */
  readonly allowPath?: readonly string[]
  /** Addresses of the proxies whose `X-Forwarded-*` headers count. */
  readonly trustedProxy?: readonly string[]
  /** Respond to `auth_request` of a web server instead of proxying. */
  readonly authRequest?: boolean | 'forward'
}

/** One sentence on what the conversion of a setting changes. Never contains a secret. */
export interface Difference {
  /** Name of the setting in the other product's configuration, as in `github_org`. */
  readonly name: string
  /** What differs, and what to do about it. */
  readonly message: string
}

/** A configuration of another product as options of this package. */
export interface ImportResult {
  /** The options. They contain the secrets of the configuration. */
  readonly options: JsonOptions
  /** The settings of the command; without meaning for an app with the middleware. */
  readonly command: CommandSettings
  /** What was converted, and behaves differently. */
  readonly differences: readonly Difference[]
  /** What the options cannot express: it is missing, and may let more users pass or reject more. */
  readonly unsupported: readonly Difference[]
}
