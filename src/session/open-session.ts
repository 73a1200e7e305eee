import type { OAuthUser } from '../access/user.js'
import type { Claims } from '../oauth/identity.js'
import type { SealedData } from './sealed-data.js'
import type { Session } from './session.js'
import { type ClaimsReader, SessionUser } from './session-user.js'

/** A session whose ID is known, so that its tokens and claims can be decrypted. */
export class OpenSession implements ClaimsReader {
  /** The value of the session cookie: a secret. */
  readonly id: string
  /** The public handle of the session, and its key in the store. */
  readonly key: string
  readonly record: Session
  readonly #decrypter: SessionDecrypter
  #data: SealedData | undefined

  constructor(id: string, key: string, record: Session, decrypter: SessionDecrypter) {
    this.id = id
    this.key = key
    this.record = record
    this.#decrypter = decrypter
  }

  /** The tokens and claims, decrypted once. */
  unseal(): SealedData {
    return (this.#data ??= this.#decrypter.decrypt(this.id, this.record))
  }

  claims(): Claims {
    return this.unseal().claims
  }

  /** A new copy of the user, which the app may change. */
  user(): OAuthUser {
    return new SessionUser(this.record.user, this)
  }
}

/** Decrypts the tokens and claims of a session. */
export interface SessionDecrypter {
  decrypt(id: string, record: Session): SealedData
}
