import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash as digest,
  hkdfSync,
  randomBytes,
} from 'node:crypto'

/** What a sealed text is for. A text sealed for one purpose cannot be opened for another. */
export type EncryptionPurpose = 'state' | 'return' | 'confirm' | 'tokens' | 'session' | 'landing'

/** Seals texts so that only a holder of the secret can read or make them. */
export interface Encrypter {
  /** `context` binds the text to something that must be at hand again to open it. */
  encrypt(purpose: EncryptionPurpose, text: string, context?: string): string
  /** `undefined` when the text was not sealed by one of our secrets for this purpose and context. */
  decrypt(purpose: EncryptionPurpose, sealed: string, context?: string): string | undefined
  /** Whether one of our secrets sealed the text, as far as its key's name tells: nothing is opened. */
  canDecrypt(sealed: string): boolean
}

const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const BASE64URL = /^[A-Za-z0-9_-]+$/

/** SHA-256, as hex. */
export function sha256(text: string): string {
  return digest('sha256', text, 'hex')
}

/** 32 random bytes in 43 characters: ids of sessions and of transactions. */
export function randomId(): string {
  return randomBytes(32).toString('base64url')
}

/** Whether a text has the form of {@link randomId}; asked before it reaches a store. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** A value that follows from `id` and reveals nothing of it: nonce and code verifier of a transaction. */
export function deriveFrom(id: string, label: string): string {
  return createHmac('sha256', id).update(label).digest('base64url')
}

/** The first secret seals, all of them open, so that a secret can be rotated. */
export function createEncrypter(secrets: readonly string[]): Encrypter {
  const derive = (secret: string, purpose: EncryptionPurpose, context: string) =>
    Buffer.from(hkdfSync('sha256', secret, context, `oauth-module ${purpose}`, 32))
  const keyIds = secrets.map((secret) =>
    derive(secret, 'state', 'key id').subarray(0, KEY_ID_BYTES),
  )
  const [sealingSecret, sealingKeyId] = [secrets[0], keyIds[0]]
  if (sealingSecret === undefined || sealingKeyId === undefined)
    throw new TypeError('a encrypter needs a secret')

  // Keys without a context are few and asked for all the time; those with one serve a single session.
  const commonKeys = new Map<string, Buffer>()
  const keyFor = (index: number, secret: string, purpose: EncryptionPurpose, context: string) => {
    if (context !== '') return derive(secret, purpose, context)
    const name = `${index} ${purpose}`
    const key = commonKeys.get(name) ?? derive(secret, purpose, '')
    commonKeys.set(name, key)
    return key
  }

  // Of the four bytes, what whole characters of base64url show.
  const keyNames = keyIds.map((id) => id.toString('base64url').slice(0, 5))

  return {
    canDecrypt: (sealed) => keyNames.some((name) => sealed.startsWith(name)),
    encrypt(purpose, text, context = '') {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyFor(0, sealingSecret, purpose, context), iv)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([sealingKeyId, iv, body, cipher.getAuthTag()]).toString('base64url')
    },
    decrypt(purpose, sealed, context = '') {
      if (!BASE64URL.test(sealed)) return undefined
      const bytes = Buffer.from(sealed, 'base64url')
      // One spelling only: base64url has spare bits in its last character.
      if (
        bytes.length <= KEY_ID_BYTES + IV_BYTES + TAG_BYTES ||
        bytes.toString('base64url') !== sealed
      )
        return undefined
      const index = keyIds.findIndex((id) => id.equals(bytes.subarray(0, KEY_ID_BYTES)))
      const secret = secrets[index]
      if (secret === undefined) return undefined
      const iv = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + IV_BYTES)
      const decipher = createDecipheriv(
        'aes-256-gcm',
        keyFor(index, secret, purpose, context),
        iv,
        {
          authTagLength: TAG_BYTES,
        },
      )
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const body = bytes.subarray(KEY_ID_BYTES + IV_BYTES, -TAG_BYTES)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}
