import { Grants } from './grants.js'
import { createIdTokens } from './id-tokens.js'
import type { VendorSettings } from './settings.js'
import type { VendorOptions } from './types.js'
import type { Vendor } from './vendor.js'

/**
 * What a profile sees of a server that has started, and a function that changes the user who is
 * signed in.
 */
export function createVendor(
  origin: string,
  settings: VendorSettings,
  users: Vendor['users'],
  options: VendorOptions,
): { vendor: Vendor; setUser: (user: Vendor['user']) => void } {
  let current = 0
  const usedJwts = new Set<string>()
  const signedInAt = new Map<number, number>()
  const now = () => Math.floor(Date.now() / 1000)
  const vendor: Vendor = {
    origin,
    settings,
    users,
    clientId: options.clientId ?? 'dev-client',
    clientSecret: options.clientSecret ?? 'dev-client-secret',
    get user() {
      const user = users[current]
      if (!user) throw new RangeError('startVendor().users must have at least one user')
      return user
    },
    grants: new Grants(settings, users),
    idTokens: createIdTokens({
      settings,
      get clientSecret() {
        return vendor.clientSecret
      },
    }),
    url: (path) => `${settings.publicOrigin ?? origin}${settings.basePath}${path}`,
    signIn(userIndex, again) {
      const at = again ? now() : (signedInAt.get(userIndex) ?? now())
      signedInAt.set(userIndex, at)
      return at
    },
    pushedRequests: new Map(),
    isFirstUse: (jti) => !usedJwts.has(jti) && usedJwts.add(jti).has(jti),
  }
  const setUser = (user: Vendor['user']) => {
    const userIndex = users.indexOf(user)
    if (userIndex >= 0) current = userIndex
    else users[current] = user
  }
  return { vendor, setUser }
}
