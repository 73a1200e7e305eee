import type { Field } from '../schema/field.js'
import { parseFields } from '../schema/read-fields.js'
import { boolean, custom, integer, string, strings } from '../schema/types.js'
import { defaultPersonas, readPersonas, type Persona } from './personas.js'

/** Options of `devProvider()`. */
export interface DevProviderOptions {
  /** The port on 127.0.0.1. Default: a free one. */
  port?: number
  /**
   * The users who can sign in, at least one. Default: five, one of them with an unverified email
   * address.
   */
  personas?: Persona[]
  /** The secret of the client, at least 16 characters. Default: a random one. */
  clientSecret?: string
  /** Whether the provider does not keep the process alive. Default `false`. */
  unref?: boolean
  /** Redirect URIs beyond loopback. All redirect URIs on loopback are accepted. Default: none. */
  redirectUris?: string[]
}

const devFields = {
  port: integer({ min: 0, max: 65_535 }).default(0),
  personas: custom(readPersonas).default([...defaultPersonas]),
  clientSecret: string({
    pattern: /^[\x21-\x7e]{16,}$/,
    fix: 'must have at least 16 characters, without whitespace',
  }),
  unref: boolean().default(false),
  redirectUris: strings({
    check: (uri) => (URL.canParse(uri) ? undefined : 'must contain only absolute URLs'),
  }),
} satisfies Record<keyof DevProviderOptions, Field>

/** Validates the options. Throws a `TypeError` that lists all mistakes. */
export function readDevOptions(options: DevProviderOptions) {
  const { redirectUris = [], ...others } = parseFields(devFields, options, 'devProvider')
  return { ...others, redirectUris }
}

/** Whether a redirect URI is on this machine. (RFC 8252, 7.3) */
export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri) || uri.includes('#')) return false
  const { protocol, hostname } = new URL(uri)
  const isLocal = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return isLocal && (protocol === 'http:' || protocol === 'https:')
}
