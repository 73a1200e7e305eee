import { clientNetwork } from '../http/client-address.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import { isSameFamily, type UserAgentFamilies } from '../http/user-agent-family.js'
import { MAX_NETWORKS_OF_A_KIND, mergePlaces, type SeenPlaces } from '../http/places.js'
import type { OpenSession, Sessions } from '../session/sessions.js'

/** What changed between the requests of one session. */
export type MovePart = 'userAgent' | 'network'

/** A session arrived from where it was not seen before. */
export interface Move {
  readonly parts: readonly MovePart[]
  /** Where it was seen before. */
  readonly from: SeenPlaces
  /** Where it was seen now. */
  readonly to: { readonly family: string; readonly network: string | undefined }
  /** Milliseconds. */
  readonly at: number
}

/** What {@link Moves} depends on. */
export interface MovesDeps {
  readonly sessions: Sessions
  readonly families: UserAgentFamilies
}

/**
 * Notices that a session is used with another browser or in another network. Compared are only
 * parts that rarely change for the same person: browser and platform, without versions; networks of
 * providers, by address family, and not those of phones and tablets, which change with every walk.
 * Who travels, or has a relay that changes its address, causes a few moves, and then none.
 */
export class Moves {
  readonly #deps: MovesDeps

  constructor(deps: MovesDeps) {
    this.#deps = deps
  }

  /** Where a request comes from, for a new session. */
  placeOf(request: IncomingGateRequest): SeenPlaces {
    const { name, isMobile } = this.#deps.families.of(request.headers['user-agent'])
    const network = isMobile ? undefined : clientNetwork(request.req)
    return { families: [name], networks: network === undefined ? [] : [network] }
  }

  /** The move of a request; `undefined` if there is none. */
  find(request: IncomingGateRequest, session: OpenSession): Move | undefined {
    const { families, sessions } = this.#deps
    const from = sessions.seenPlaces(session)
    const { name, isMobile } = families.of(request.headers['user-agent'])
    const network = isMobile ? undefined : clientNetwork(request.req)
    // Sessions of an earlier release start with their next request.
    if (from === undefined) {
      sessions.addPlace(session, { families: [name], networks: listOf(network) })
      return undefined
    }
    const isNewNetwork = network !== undefined && !from.networks.includes(network)
    const known = isNewNetwork ? from.networks.filter((other) => isSameKind(other, network)) : []
    const parts: MovePart[] = []
    if (!from.families.some((family) => isSameFamily(family, name))) parts.push('userAgent')
    if (known.length > 0 && known.length < MAX_NETWORKS_OF_A_KIND) parts.push('network')
    const to = { family: name, network }
    if (parts.length > 0) return { parts, from, to, at: request.now }
    // The first address of the other family: most networks have both. (RFC 8305)
    if (isNewNetwork && known.length === 0)
      sessions.addPlace(session, { families: [], networks: [network] })
    return undefined
  }

  /** Remembers where a session has moved. */
  accept(session: OpenSession, move: Move): void {
    this.#deps.sessions.addPlace(session, placeOf(move))
  }
}

/** All places of a session that moved. */
export function placesOf(move: Move): SeenPlaces | undefined {
  return mergePlaces(move.from, placeOf(move))
}

function placeOf({ to, at }: Move): SeenPlaces {
  return { families: [to.family], networks: listOf(to.network), movedAt: at }
}

function listOf(network: string | undefined): readonly string[] {
  return network === undefined ? [] : [network]
}

/** Whether both are networks of IPv4, or both of IPv6. */
function isSameKind(a: string, b: string): boolean {
  return a.includes(':') === b.includes(':')
}
