import { importPKCS8, SignJWT } from 'jose'

interface AppleKey {
  /** The Services ID. */
  clientId: string
  teamId: string
  keyId: string
  /** Contents of the .p8 file. */
  privateKey: string
}

/**
 * Apple's client secret: a JWT that is valid for at most six months. Restart the app before it
 * expires, or call `reconfigure()` with a new one.
 * https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
export async function createClientSecret(apple: AppleKey): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: apple.keyId })
    .setIssuer(apple.teamId)
    .setSubject(apple.clientId)
    .setAudience('https://appleid.apple.com')
    .setIssuedAt()
    .setExpirationTime('180 days')
    .sign(await importPKCS8(apple.privateKey, 'ES256'))
}
