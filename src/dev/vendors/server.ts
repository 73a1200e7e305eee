import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVendor } from './create-vendor.js'
import { send } from './faults.js'
import { Overrides } from './overrides.js'
import { receive } from './receive.js'
import { text } from './responses.js'
import { defaultSettings, type VendorSettings } from './settings.js'
import type {
  VendorFault,
  VendorOptions,
  VendorRequest,
  VendorResponse,
  VendorServer,
} from './types.js'
import type { Profile, Route, Vendor } from './vendor.js'

/** Starts a server that simulates the vendor of this profile. */
export async function startServer(
  profile: Profile,
  options: VendorOptions = {},
): Promise<VendorServer> {
  const settings: VendorSettings = { ...defaultSettings, ...profile.settings, ...options.settings }
  const users = options.users ?? structuredClone(profile.users)
  for (const [index, { id }] of users.entries())
    if ((id as unknown) === undefined)
      throw new TypeError(`startVendor().users[${index}].id is missing: a string or a number`)
  const overrides = new Overrides()
  const requests: VendorRequest[] = []
  const server = createServer()
  const origin = `http://127.0.0.1:${await listen(server, options.port ?? 0)}`
  const { vendor, setUser } = createVendor(origin, settings, users, options)
  server.on('request', (req, res) => void serve(req, res, { profile, vendor, overrides, requests }))
  const controls: VendorControls = {
    vendor: profile.name,
    origin,
    users,
    settings,
    requests,
    respond: (endpoint, response, { once = false } = {}) => overrides.set(endpoint, response, once),
    claims: (claims, how = {}) => vendor.idTokens.override({ claims, ...how }),
    rotateKeys: () => vendor.idTokens.rotate(),
    revokeTokens: (user) => vendor.grants.revokeAll(user && users.indexOf(user)),
    close: () => close(server),
  }
  return withAccessors(controls, vendor, setUser, profile)
}

type VendorControls = Omit<VendorServer, 'clientId' | 'clientSecret' | 'options' | 'user'>

/** Adds what a test may change while the server runs. */
function withAccessors(
  controls: VendorControls,
  vendor: Vendor,
  setUser: (user: Vendor['user']) => void,
  profile: Profile,
): VendorServer {
  return {
    ...controls,
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
      const { clientId, clientSecret } = vendor
      return { clientId, clientSecret, ...profile.options(vendor) }
    },
    get user() {
      return vendor.user
    },
    set user(user) {
      setUser(user)
    },
  }
}

interface Running {
  profile: Profile
  vendor: Vendor
  overrides: Overrides
  requests: VendorRequest[]
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  { profile, vendor, overrides, requests }: Running,
): Promise<void> {
  try {
    const { request, route, path } = await receive(req, profile.routes(vendor))
    requests.push(request)
    const response = (await overrides.responseTo(request)) ?? (await respond(request, route, path))
    if (typeof response === 'object') request.status = response.status ?? 200
    send(res, response)
  } catch (error) {
    if (!res.headersSent) send(res, text(500, String(error)))
    else res.destroy()
  }
}

function respond(
  request: VendorRequest,
  route: Route | undefined,
  path: Record<string, string>,
): VendorResponse | VendorFault | Promise<VendorResponse> {
  if (!route) return text(404, 'Not Found')
  const params = request.method === 'POST' ? new URLSearchParams(request.body) : request.query
  return route.respond({ request, path, params })
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
