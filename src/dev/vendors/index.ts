import { amazon } from './amazon.js'
import { facebook } from './facebook.js'
import { github } from './github.js'
import { gitlab } from './gitlab.js'
import { google } from './google.js'
import { linkedin } from './linkedin.js'
import { microsoft } from './microsoft.js'
import { oauth2 } from './oauth2.js'
import { oidc } from './oidc.js'
import { startServer } from './server.js'
import { twitch } from './twitch.js'
import type { Profile } from './vendor.js'
import type { VendorName, VendorOptions, VendorServer } from './types.js'

export type { AuthorizationRefusal, ClientAuthMethod, VendorSettings } from './settings.js'
export type * from './types.js'

const profiles: Record<VendorName, Profile> = {
  github,
  google,
  microsoft,
  gitlab,
  facebook,
  linkedin,
  twitch,
  amazon,
  oidc,
  oauth2,
}

/** The vendors that {@link startVendor} can simulate. */
export const vendorNames = Object.keys(profiles) as VendorName[]

/**
 * Starts a provider on 127.0.0.1 that simulates a vendor: it has the vendor's endpoints, responds
 * in the vendor's formats, and rejects what the vendor rejects. Rejects if the port is in use.
 *
 * ```ts
 * import { oauthModule } from 'oauth-module'
 * import { startVendor } from 'oauth-module/dev'
 *
 * const vendor = await startVendor('github')
 * const auth = oauthModule({ provider: { github: vendor.options } })
 * ```
 */
export function startVendor(vendor: VendorName, options?: VendorOptions): Promise<VendorServer> {
  return startServer(profiles[vendor], options)
}
