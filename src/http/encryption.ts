import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { random } from './random.js'

/** What a string is encrypted for. It can only be decrypted for the same purpose. */
export type EncryptionPurpose =
  | 'state'
  | 'return'
  | 'confirm'
  | 'form'
  | 'tokens'
  | 'session'
  | 'landing'
  | 'configuration'
  | 'change'
  | 'audit'

/** What a text is authenticated for. */
export type AuthenticationPurpose = 'row' | 'verification' | 'bound' | 'challenge' | 'device'

interface Secret {
  readonly secret: string
  readonly keyId: Buffer
  /** The base64url characters that depend on the key id only. */
  readonly prefix: string
  /** Keys without a context, by purpose. They are used at almost every login and request. */
  readonly keys: Map<EncryptionPurpose | AuthenticationPurpose, KeyObject>
}

const ALGORITHM = 'aes-256-gcm'
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
/** Characters of base64url: HMAC-SHA-256, truncated to 132 bits. (RFC 2104, section 5) */
const MAC_LENGTH = 22

/**
 * Authenticated encryption (AES-256-GCM) with keys derived from the app's secrets by HKDF (RFC
 * 5869). The first secret encrypts and all of them decrypt, so that secrets can be rotated.
 */
export class Encrypter {
  readonly #secrets: readonly Secret[]
  readonly #current: Secret

  /** Throws a `TypeError` without at least one secret. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.map((secret) => {
      const keyId = deriveBytes(secret, 'state', 'key id').subarray(0, KEY_ID_BYTES)
      return { secret, keyId, prefix: keyId.toString('base64url').slice(0, 5), keys: new Map() }
    })
    const [current] = this.#secrets
    if (current === undefined) throw new TypeError('an Encrypter needs a secret')
    this.#current = current
  }

  /** Encrypts to base64url. Decryption requires the same `context`, such as the id of a session. */
  encrypt(purpose: EncryptionPurpose, plaintext: string, context = ''): string {
    const iv = random(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, keyFor(this.#current, purpose, context), iv)
    const body = [cipher.update(plaintext, 'utf8'), cipher.final()]
    return Buffer.concat([this.#current.keyId, iv, ...body, cipher.getAuthTag()]).toString(
      'base64url',
    )
  }

  /**
   * Returns `undefined` if the string was not encrypted with one of the secrets for this purpose
   * and context.
   */
  decrypt(purpose: EncryptionPurpose, encrypted: string, context = ''): string | undefined {
    const bytes = Buffer.from(encrypted, 'base64url')
    if (bytes.length <= KEY_ID_BYTES + IV_BYTES + TAG_BYTES) return undefined
    // Node ignores characters that base64url does not have, and spare bits in the last one: only one
    // spelling is accepted.
    if (bytes.toString('base64url') !== encrypted) return undefined
    const secret = this.#secrets.find(({ keyId }) => keyId.equals(bytes.subarray(0, KEY_ID_BYTES)))
    return secret && decryptBytes(keyFor(secret, purpose, context), bytes.subarray(KEY_ID_BYTES))
  }

  /** Whether one of the secrets encrypted the string. Compares key ids, without decrypting. */
  canDecrypt(encrypted: string): boolean {
    return this.#secrets.some(({ prefix }) => encrypted.startsWith(prefix))
  }

  /** Whether the first secret encrypted the string. Compares key ids, without decrypting. */
  isCurrent(encrypted: string): boolean {
    return encrypted.startsWith(this.#current.prefix)
  }

  /** A message authentication code of the text, in base64url. */
  authenticate(purpose: AuthenticationPurpose, text: string): string {
    return macOf(this.#current, purpose, text)
  }

  /** Whether the code was created with one of the secrets, for this purpose and text. */
  isAuthentic(purpose: AuthenticationPurpose, text: string, code: string): boolean {
    if (code.length !== MAC_LENGTH) return false
    const given = Buffer.from(code, 'latin1')
    return this.#secrets.some((secret) =>
      timingSafeEqual(Buffer.from(macOf(secret, purpose, text), 'latin1'), given),
    )
  }
}

function decryptBytes(key: KeyObject, bytes: Buffer): string | undefined {
  const iv = bytes.subarray(0, IV_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const body = bytes.subarray(IV_BYTES, -TAG_BYTES)
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

function macOf(secret: Secret, purpose: AuthenticationPurpose, text: string): string {
  const key = keyFor(secret, purpose, '')
  return hmac(key, text).toString('base64url').slice(0, MAC_LENGTH)
}

/** Keys with a context are not cached: each serves a single session. */
function keyFor(
  { secret, keys }: Secret,
  purpose: EncryptionPurpose | AuthenticationPurpose,
  context: string,
): KeyObject {
  if (context !== '') return deriveKey(secret, purpose, context)
  const key = keys.get(purpose) ?? deriveKey(secret, purpose, '')
  keys.set(purpose, key)
  return key
}

/** A `KeyObject`, because Node 24 takes 10 µs longer for a key that is a buffer. */
function deriveKey(
  secret: string,
  purpose: EncryptionPurpose | AuthenticationPurpose,
  context: string,
): KeyObject {
  return createSecretKey(deriveBytes(secret, purpose, context))
}

/**
 * HKDF with SHA-256, for a single block (RFC 5869). Node's `hkdfSync` takes three times as long, and
 * tokens are decrypted for every request that is proxied with them.
 */
function deriveBytes(
  secret: string,
  purpose: EncryptionPurpose | AuthenticationPurpose,
  context: string,
): Buffer {
  const extracted = hmac(createSecretKey(context, 'utf8'), secret)
  return hmac(createSecretKey(extracted), `oauth-module ${purpose}\x01`)
}

function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
