import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

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
export type AuthenticationPurpose = 'row'

interface Secret {
  readonly secret: string
  readonly keyId: Buffer
  /** The base64url characters that depend on the key id only. */
  readonly prefix: string
  /** Keys without a context, by purpose. They are used at almost every login and request. */
  readonly keys: Map<EncryptionPurpose | AuthenticationPurpose, Buffer>
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const BASE64URL = /^[A-Za-z0-9_-]+$/
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
      const keyId = deriveKey(secret, 'state', 'key id').subarray(0, KEY_ID_BYTES)
      return { secret, keyId, prefix: keyId.toString('base64url').slice(0, 5), keys: new Map() }
    })
    const [current] = this.#secrets
    if (current === undefined) throw new TypeError('an Encrypter needs a secret')
    this.#current = current
  }

  /** Encrypts to base64url. Decryption requires the same `context`, such as the id of a session. */
  encrypt(purpose: EncryptionPurpose, plaintext: string, context = ''): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, keyFor(this.#current, purpose, context), iv)
    const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
    return Buffer.concat([this.#current.keyId, iv, body, cipher.getAuthTag()]).toString('base64url')
  }

  /**
   * Returns `undefined` if the string was not encrypted with one of the secrets for this purpose
   * and context.
   */
  decrypt(purpose: EncryptionPurpose, encrypted: string, context = ''): string | undefined {
    if (!BASE64URL.test(encrypted)) return undefined
    const bytes = Buffer.from(encrypted, 'base64url')
    if (bytes.length <= KEY_ID_BYTES + IV_BYTES + TAG_BYTES) return undefined
    // base64url has spare bits in its last character: only one spelling is accepted.
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

function decryptBytes(key: Buffer, bytes: Buffer): string | undefined {
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
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, MAC_LENGTH)
}

/** Keys with a context are not cached: each serves a single session. */
function keyFor(
  { secret, keys }: Secret,
  purpose: EncryptionPurpose | AuthenticationPurpose,
  context: string,
): Buffer {
  if (context !== '') return deriveKey(secret, purpose, context)
  const key = keys.get(purpose) ?? deriveKey(secret, purpose, '')
  keys.set(purpose, key)
  return key
}

function deriveKey(
  secret: string,
  purpose: EncryptionPurpose | AuthenticationPurpose,
  context: string,
): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, context, `oauth-module ${purpose}`, KEY_BYTES))
}
