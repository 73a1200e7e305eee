import type { Encrypter } from '../http/encryption.js'
import { parseJson } from '../http/json.js'
import {
  type DeviceKey,
  packDevice,
  type PackedDeviceKey,
  unpackDevice,
} from '../session/device-key.js'
import type { OpenSession, Sessions } from '../session/sessions.js'

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

/** What the identifier of a session in a cookie contains. */
type Content = readonly [key: string, expiresAt: number, ...PackedDeviceKey]

/**
 * The identifiers by which browsers name a session to renew its cookie: the public handle of the
 * session. A browser that follows a link of another site sends it without the session cookie
 * (`SameSite=Lax`), so for sessions in cookies the identifier contains the public key as well. It is
 * the same each time, because the browser compares it.
 */
export class Identifiers {
  readonly #deps: IdentifiersDeps

  constructor(deps: IdentifiersDeps) {
    this.#deps = deps
  }

  /** The identifier of a session. */
  of(session: OpenSession): string {
    const { encrypter, keepsRecords, sessions } = this.#deps
    const { key, record } = session
    if (keepsRecords || record.device === undefined) return key
    const { expiresAt } = sessions.expiry(session)
    const content: Content = [key, expiresAt, ...packDevice(record.device)]
    const text = Buffer.from(JSON.stringify(content)).toString('base64url')
    return `${text}.${encrypter.authenticate('device', text)}`
  }

  /** The session with this identifier, if it exists and is bound. */
  async find(identifier: string, now: number, instance: string): Promise<BoundSession | undefined> {
    const { keepsRecords, sessions } = this.#deps
    if (!keepsRecords) return this.#read(identifier, now)
    if (!/^[0-9a-f]{64}$/.test(identifier)) return undefined
    const device = (await sessions.findByKey(identifier, now, instance))?.record.device
    return device && { key: identifier, device }
  }

  #read(identifier: string, now: number): BoundSession | undefined {
    const { encrypter, sessions } = this.#deps
    const [text = '', code = ''] = identifier.split('.', 2)
    if (!encrypter.isAuthentic('device', text, code)) return undefined
    const content = parseJson(Buffer.from(text, 'base64url').toString())
    const [key, expiresAt, ...packed] = content as Content
    if (now >= expiresAt || sessions.hasEnded(key)) return undefined
    return { key, device: unpackDevice(packed) }
  }
}
