import { readOptions } from '../schema.js'
import { defaultPersonas, readPersonas, type Persona } from './personas.js'

export interface DevProviderOptions {
  /** The port on 127.0.0.1; default a free one. */
  port?: number
  /** Who can sign in; default five people, among them one with an unverified e-mail address. */
  personas?: Persona[]
  /** Redirect URIs besides those on loopback, which are all allowed. */
  redirectUris?: string[]
}

export function readDevOptions(options: DevProviderOptions) {
  const read = readOptions(options, 'devProvider')
  read.only(['port', 'personas', 'redirectUris'])
  const port = read.value('port') ?? 0
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    return read.fail('port', 'must be a whole number from 0 to 65535; 0 is any free port')
  }
  const redirectUris =
    read.list('redirectUris', (uri) => (URL.canParse(uri) ? undefined : 'must be absolute URLs')) ??
    []
  return {
    port,
    redirectUris,
    personas: readPersonas(read.value('personas') ?? [...defaultPersonas]),
  }
}

export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri) || uri.includes('#')) return false
  const { protocol, hostname } = new URL(uri)
  const isLocal = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return isLocal && (protocol === 'http:' || protocol === 'https:')
}
