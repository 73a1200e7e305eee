import { isIP } from 'node:net'
import type { AppRequest } from './request.js'

/** Headers with which proxies report the client. Without `trust proxy`, anyone can send them. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-proto']

/** Addresses of this machine and of private networks, where proxies are. (RFC 1918, 4193, 6598) */
const PRIVATE =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/

/**
 * The address of a client, to share resources among clients; of IPv6 the network of 64 bits, which
 * one client has for itself. `undefined` if the address may be that of a proxy that the app does
 * not trust: then many users would share it.
 */
export function clientAddress({ ip, socket, headers }: AppRequest): string | undefined {
  const peer = normalized(socket?.remoteAddress)
  const client = normalized(ip)
  // Express has read it from `X-Forwarded-For`, because the app trusts the proxy.
  if (client !== undefined && client !== peer) return networkOf(client)
  const isProxied = PROXY_HEADERS.some((name) => headers[name] !== undefined)
  return peer === undefined || isProxied || PRIVATE.test(peer) ? undefined : networkOf(peer)
}

/**
 * The network of a client, to notice that a session moves: the first 16 bits of an IPv4 address, or
 * the first 32 bits of an IPv6 address, which registries assign to one provider. `undefined` if the
 * address is not known, or is one of a private network, whose parts have no such meaning.
 */
export function clientNetwork(req: AppRequest): string | undefined {
  const address = clientAddress(req)
  if (address === undefined || PRIVATE.test(address)) return undefined
  const separator = address.includes(':') ? ':' : '.'
  return address.split(separator).slice(0, 2).join(separator)
}

/** Without the prefix of an IPv4 address on an IPv6 socket. (RFC 4291, 2.5.5.2) */
function normalized(address: string | undefined): string | undefined {
  const plain = address?.toLowerCase().replace(/^::ffff:/, '')
  return plain !== undefined && isIP(plain) !== 0 ? plain : undefined
}

/** An address as it is shown: that of IPv4 without the prefix that it has on an IPv6 socket. */
export function shownAddress(address: string | undefined): string | undefined {
  return normalized(address) ?? address
}

function networkOf(address: string): string {
  if (isIP(address) === 4) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - groups.length - rest.length }, () => '0')
  const all = [...groups, ...(tail === undefined ? [] : zeros), ...rest]
  return all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')
}
