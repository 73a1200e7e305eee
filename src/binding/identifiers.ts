import type { Encrypter } from '../http/encryption.js'
import { parseJson } from '../http/json.js'
import {
  type DeviceKey,
  packDevice,
  type PackedDeviceKey,
  unpackDevice,
} from '../session/device-key.js'
import type { Sessions } from '../session/sessions.js'

/** A session that is bound to a device. */
export interface BoundSession {
  readonly key: string
  readonly device: DeviceKey
}

/** What {@link Identifiers} depends on. */
export interface IdentifiersDeps {
  readonly sessions: Sessions
  readonly encrypter: Encrypter
  /** Whether a store has the sessions: otherwise only their cookies do. */
  readonly keepsRecords: boolean
}

/**
 * The identifiers by which browsers name a session to renew its cookie: the public handle of the
 * session. A browser that follows a link of another site sends it without the session cookie
 * (`SameSite=Lax`), so for sessions in cookies the identifier contains the key, encrypted.
 */
export class Identifiers {
  readonly #deps: IdentifiersDeps

  constructor(deps: IdentifiersDeps) {
    this.#deps = deps
  }

  /** The identifier of a session. */
  of(key: string, device: DeviceKey): string {
    const { encrypter, keepsRecords } = this.#deps
    if (keepsRecords) return key
    return `${key}.${encrypter.encrypt('device', JSON.stringify(packDevice(device)), key)}`
  }

  /** The session with this identifier, if it exists and is bound. */
  async find(identifier: string, now: number, instance: string): Promise<BoundSession | undefined> {
    const { encrypter, keepsRecords, sessions } = this.#deps
    const [key = '', encrypted = ''] = identifier.split('.', 2)
    if (!/^[0-9a-f]{64}$/.test(key)) return undefined
    if (keepsRecords) {
      const device = (await sessions.findByKey(key, now, instance))?.record.device
      return device && { key, device }
    }
    const packed = parseJson(encrypter.decrypt('device', encrypted, key))
    return packed === undefined
      ? undefined
      : { key, device: unpackDevice(packed as PackedDeviceKey) }
  }
}
