import type { AppUser } from '../middleware/admin-access.js'
import type { GateSession } from './administration.js'
import { encodeId } from './ids.js'
import type { Locator } from './locator.js'
import type { NamedGate } from './options.js'
import { UserAgents } from '../http/user-agent.js'

/** An ID with its URI. */
export interface Ref {
  readonly id: string
  readonly uri: string
}

/** The representations of ngrok's App Users API. (https://ngrok.com/docs/api) */
export class Views {
  readonly #locator: Locator
  readonly #userAgents = new UserAgents()

  constructor(locator: Locator) {
    this.#locator = locator
  }

  /** A user. `base` is the URL of the API. */
  user(user: AppUser, base: string) {
    return {
      ...userRef(user, base),
      identity_provider: user.identityProvider,
      provider_user_id: user.providerUserId,
      username: user.username ?? null,
      email: user.email ?? null,
      name: user.name ?? null,
      created_at: timestamp(user.createdAt),
      last_active: timestamp(user.lastActive),
      last_login: timestamp(user.lastLogin),
    }
  }

  /** A session and its user, if the user exists. */
  async session({ session, gate }: GateSession, user: AppUser | undefined, base: string) {
    const { userAgent, ipAddress } = session.browserSession
    const id = encodeId('session', session)
    return {
      id,
      uri: `${base}/app/sessions/${id}`,
      public_url: gate?.access.baseUrl ?? '',
      browser_session: {
        user_agent: this.#userAgents.view(userAgent),
        ip_address: ipAddress ?? '',
        location: await this.#location(ipAddress),
      },
      application_user: user === undefined ? null : userRef(user, base),
      created_at: timestamp(session.createdAt),
      last_active: timestamp(session.lastActive),
      expires_at: timestamp(session.expiresAt),
      endpoint: null,
      edge: gate === undefined ? null : edgeRef(gate, base),
      route: gate === undefined ? null : routeRef(gate, base),
    }
  }

  async #location(ipAddress: string | undefined) {
    const location = await this.#locator.find(ipAddress)
    if (location === undefined) return null
    return {
      country_code: location.country_code ?? null,
      latitude: location.latitude ?? null,
      longitude: location.longitude ?? null,
      lat_long_radius_km: location.lat_long_radius_km ?? null,
    }
  }
}

function userRef(user: AppUser, base: string): Ref {
  const id = encodeId('user', user)
  return { id, uri: `${base}/app/users/${id}` }
}

function edgeRef({ edge }: NamedGate, base: string): Ref {
  return { id: edge, uri: `${base}/edges/https/${edge}` }
}

function routeRef({ edge, route }: NamedGate, base: string): Ref {
  return { id: route, uri: `${base}/edges/https/${edge}/routes/${route}` }
}

/** RFC 3339, in seconds, as ngrok's. `null` without an end. */
function timestamp(at: number): string | null {
  return Number.isFinite(at) ? new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z') : null
}
