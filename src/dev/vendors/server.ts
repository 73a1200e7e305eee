import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from './answers.js'
import { send } from './faults.js'
import { createGrants } from './grants.js'
import { createIdTokens } from './id-tokens.js'
import { receive } from './receive.js'
import type { Exchange, Profile, Route, Vendor } from './vendor.js'
import { defaultSettings, type VendorSettings } from './settings.js'
import type {
  VendorAnswer,
  VendorFault,
  VendorOptions,
  VendorOverride,
  VendorRequest,
  VendorServer,
} from './types.js'

interface Override {
  answer: VendorOverride
  once: boolean
}

/** Starts a server that plays this profile. */
export async function startServer(
  profile: Profile,
  options: VendorOptions = {},
): Promise<VendorServer> {
  const settings: VendorSettings = { ...defaultSettings, ...profile.settings, ...options.settings }
  const users = options.users ?? structuredClone(profile.users)
  const overrides = new Map<string, Override>()
  const requests: VendorRequest[] = []
  const server = createServer((req, res) => void serve(req, res))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { vendor, setCurrent } = createVendor(origin, settings, users, options)

  async function serve(req: IncomingMessage, res: ServerResponse) {
    try {
      const { request, route, path } = await receive(req, profile.routes(vendor))
      requests.push(request)
      const answer = await decide(request, route, path)
      if (typeof answer === 'object') request.status = answer.status ?? 200
      send(res, answer)
    } catch (error) {
      if (!res.headersSent) send(res, text(500, String(error)))
      else res.destroy()
    }
  }

  async function decide(
    request: VendorRequest,
    route: Route | undefined,
    path: Record<string, string>,
  ): Promise<VendorAnswer | VendorFault> {
    for (const endpoint of [request.endpoint, '*']) {
      const override = overrides.get(endpoint)
      if (!override) continue
      if (override.once) overrides.delete(endpoint)
      const answer =
        typeof override.answer === 'function' ? await override.answer(request) : override.answer
      if (answer !== undefined) return answer
    }
    if (!route) return text(404, 'Not Found')
    const params = request.method === 'POST' ? new URLSearchParams(request.body) : request.query
    const exchange: Exchange = { request, path, params }
    return route.answer(exchange)
  }

  return {
    vendor: profile.name,
    origin,
    users,
    settings,
    requests,
    get clientId() {
      return vendor.clientId
    },
    set clientId(clientId) {
      vendor.clientId = clientId
    },
    get clientSecret() {
      return vendor.clientSecret
    },
    set clientSecret(clientSecret) {
      vendor.clientSecret = clientSecret
    },
    get options() {
      return {
        clientId: vendor.clientId,
        clientSecret: vendor.clientSecret,
        ...profile.options(vendor),
      }
    },
    get user() {
      return vendor.user
    },
    set user(user) {
      setCurrent(user)
    },
    respond(endpoint, answer, { once = false } = {}) {
      overrides.delete(endpoint)
      if (answer === undefined) return () => {}
      const override = { answer, once }
      overrides.set(endpoint, override)
      return () => {
        if (overrides.get(endpoint) === override) overrides.delete(endpoint)
      }
    },
    claims: (claims, how = {}) => vendor.idTokens.override({ claims, ...how }),
    rotateKeys: () => vendor.idTokens.rotate(),
    revokeTokens: (user) => vendor.grants.revokeAll(user && users.indexOf(user)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function createVendor(
  origin: string,
  settings: VendorSettings,
  users: Vendor['users'],
  options: VendorOptions,
) {
  let current = 0
  const usedJwts = new Set<string>()
  const signedIn = new Map<number, number>()
  const now = () => Math.floor(Date.now() / 1000)
  const client = {
    clientId: options.clientId ?? 'dev-client',
    clientSecret: options.clientSecret ?? 'dev-client-secret',
  }

  const vendor: Vendor = {
    origin,
    settings,
    users,
    ...client,
    get user() {
      const user = users[current]
      if (!user) throw new RangeError('a vendor needs a user')
      return user
    },
    grants: createGrants(settings, users),
    idTokens: createIdTokens({
      settings,
      get clientSecret() {
        return vendor.clientSecret
      },
    }),
    url: (path) => `${origin}${settings.basePath}${path}`,
    signIn(place, again) {
      const at = again ? now() : (signedIn.get(place) ?? now())
      signedIn.set(place, at)
      return at
    },
    pushedRequests: new Map(),
    isFirstUse: (jti) => !usedJwts.has(jti) && usedJwts.add(jti).has(jti),
  }
  function setCurrent(user: Vendor['user']) {
    const place = users.indexOf(user)
    if (place >= 0) current = place
    else users[current] = user
  }
  return { vendor, setCurrent }
}
