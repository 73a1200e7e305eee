/**
 * The public key of a device (RFC 7518, 6): the members that differ between keys. The others are
 * fixed: `P-256`, and the exponent 65537.
 */
export type DeviceKey =
  | { readonly alg: 'ES256'; readonly x: string; readonly y: string }
  | { readonly alg: 'RS256'; readonly n: string }

/** A key in its stored form. */
export type PackedDeviceKey =
  readonly [alg: 'ES256', x: string, y: string] | readonly [alg: 'RS256', n: string]

/** The stored form of a key. */
export function packDevice(device: DeviceKey): PackedDeviceKey {
  return device.alg === 'ES256' ? ['ES256', device.x, device.y] : ['RS256', device.n]
}

/** Reads what {@link packDevice} wrote. */
export function unpackDevice(packed: PackedDeviceKey): DeviceKey {
  return packed[0] === 'ES256'
    ? { alg: 'ES256', x: packed[1], y: packed[2] }
    : { alg: 'RS256', n: packed[1] }
}

/** Whether two keys are the same. */
export function isSameDevice(a: DeviceKey, b: DeviceKey): boolean {
  return JSON.stringify(packDevice(a)) === JSON.stringify(packDevice(b))
}
