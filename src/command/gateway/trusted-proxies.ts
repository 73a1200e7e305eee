import { BlockList, isIP, isIPv4, type Socket } from 'node:net'
import type { IncomingMessage } from 'node:http'

/** The names of Express' setting `trust proxy`. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** The proxies in front of the gateway, by their addresses. */
export class TrustedProxies {
  readonly #networks: BlockList | undefined
  /** By connection: the address of a peer does not change. */
  readonly #peers = new WeakMap<Socket, boolean>()
  /**
   * For `req.app`: how the gate asks Express which proxies the app trusts. `undefined` if there are
   * none.
   */
  readonly app: { get(setting: string): unknown } | undefined

  /** Throws a `TypeError` that explains what is wrong with an entry. */
  constructor(entries: readonly string[]) {
    if (entries.length === 0) return
    const networks = new BlockList()
    for (const entry of entries) {
      const parsed = parseEntry(entry)
      if (parsed === undefined) throw new TypeError(`trustedProxies ${INVALID}`)
      for (const { address, bits, family } of parsed) networks.addSubnet(address, bits, family)
    }
    this.#networks = networks
    const trust = (address: unknown) => typeof address === 'string' && this.#includes(address)
    this.app = { get: (setting) => (setting === 'trust proxy fn' ? trust : undefined) }
  }

  /** Whether the sender of a request is a trusted proxy. */
  isPeerTrusted({ socket }: IncomingMessage): boolean {
    if (this.#networks === undefined) return false
    const known = this.#peers.get(socket)
    if (known !== undefined) return known
    const isTrusted = this.#includes(socket.remoteAddress ?? '')
    this.#peers.set(socket, isTrusted)
    return isTrusted
  }

  /** The client: the last address of `X-Forwarded-For` that no trusted proxy has. */
  clientOf(req: IncomingMessage): string | undefined {
    const peer = req.socket.remoteAddress
    if (!this.isPeerTrusted(req)) return peer
    const forwarded = String(req.headers['x-forwarded-for'] ?? '')
      .split(',')
      .map((address) => address.trim())
      .reverse()
    const client = forwarded.find((address) => !this.#includes(address)) ?? forwarded.at(-1)
    return client !== undefined && isIP(client) !== 0 ? client : peer
  }

  #includes(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#networks?.check(address, family === 4 ? 'ipv4' : 'ipv6') === true
  }
}

interface Network {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

const INVALID =
  "has an entry that is neither an address nor a network: write it as in '10.0.0.0/8', or 'loopback'"

/** What is wrong with an entry, as the end of a sentence; `undefined` if it is valid. */
export function trustedProxyProblem(entry: string): string | undefined {
  return parseEntry(entry) === undefined ? INVALID : undefined
}

/** The networks of an entry; `undefined` if it is not valid. */
function parseEntry(entry: string): readonly Network[] | undefined {
  const networks = (Object.hasOwn(NAMED, entry) ? NAMED[entry] : undefined) ?? [entry]
  const parsed = networks.map(parseNetwork).filter((network) => network !== undefined)
  return parsed.length === networks.length ? parsed : undefined
}

function parseNetwork(network: string): Network | undefined {
  const [address = '', length, ...rest] = network.split('/')
  const max = isIPv4(address) ? 32 : 128
  const bits = length === undefined ? max : /^\d{1,3}$/.test(length) ? Number(length) : -1
  // A `BlockList` has no zones, such as `fe80::1%eth0`.
  const isAddress = isIP(address) !== 0 && !address.includes('%')
  if (!isAddress || rest.length > 0 || bits < 0 || bits > max) return undefined
  return { address, bits, family: max === 32 ? 'ipv4' : 'ipv6' }
}
