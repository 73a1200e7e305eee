/** Where a session was used: families of user agents, and networks. Neither names a device. */
export interface SeenPlaces {
  /** As in `chrome windows`. */
  readonly families: readonly string[]
  /** The first 16 bits of IPv4 addresses and the first 32 bits of IPv6 addresses. */
  readonly networks: readonly string[]
  /** When it last moved to one of them; milliseconds. */
  readonly movedAt?: number | undefined
}

/** How many are kept, the latest. */
const MAX_FAMILIES = 6
/** For a session in this many networks of IPv4, or of IPv6, further ones are no news. */
export const MAX_NETWORKS_OF_A_KIND = 4

/** All places of both, the latest of each list. */
export function mergePlaces(
  first: SeenPlaces | undefined,
  second: SeenPlaces | undefined,
): SeenPlaces | undefined {
  if (first === undefined || second === undefined) return first ?? second
  const movedAt = Math.max(first.movedAt ?? 0, second.movedAt ?? 0)
  return {
    families: latest([...first.families, ...second.families], MAX_FAMILIES),
    networks: latest([...first.networks, ...second.networks], 2 * MAX_NETWORKS_OF_A_KIND),
    ...(movedAt > 0 && { movedAt }),
  }
}

function latest(list: readonly string[], count: number): readonly string[] {
  return [...new Set(list)].slice(-count)
}
