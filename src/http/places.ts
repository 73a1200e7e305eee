/** Where a session was used: families of user agents, and networks. Neither names a device. */
export interface SeenPlaces {
  /** As in `chrome windows`. */
  readonly families: readonly string[]
  /** The first 16 bits of IPv4 addresses and the first 32 bits of IPv6 addresses. */
  readonly networks: readonly string[]
  /** When it last moved to one of them; milliseconds. */
  readonly movedAt?: number | undefined
}

/** Entries of each list that are kept, the latest. */
const MAX_PLACES = 6

/** All places of both, the latest of each list. */
export function mergePlaces(
  first: SeenPlaces | undefined,
  second: SeenPlaces | undefined,
): SeenPlaces | undefined {
  if (first === undefined || second === undefined) return first ?? second
  const movedAt = Math.max(first.movedAt ?? 0, second.movedAt ?? 0)
  return {
    families: latest([...first.families, ...second.families]),
    networks: latest([...first.networks, ...second.networks]),
    ...(movedAt > 0 && { movedAt }),
  }
}

function latest(list: readonly string[]): readonly string[] {
  return [...new Set(list)].slice(-MAX_PLACES)
}
