import { Encrypter } from '../http/encryption.js'

/** A secret that only the holders of the option `secret` can read. */
export interface SealedSecret {
  /** Return value of {@link sealSecret}. */
  readonly sealed: string
}

/**
 * Encrypts a secret, such as a client secret, so that it can be kept next to the other options: in
 * a file under version control, or in a store. The first of `secrets` encrypts.
 */
export function sealSecret(secret: string, secrets: readonly string[]): SealedSecret {
  return { sealed: new Encrypter(secrets).encrypt('configuration', secret) }
}

/** Decrypts a secret; `undefined` if it was not encrypted with one of `secrets`. */
export function openSealedSecret(
  { sealed }: SealedSecret,
  secrets: readonly string[],
): string | undefined {
  return secrets.length === 0 ? undefined : new Encrypter(secrets).decrypt('configuration', sealed)
}
