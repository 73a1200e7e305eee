import type { GateRequest } from '../http/gate-request.js'
import type { Responder } from '../pages/respond.js'
import { carriedParams } from './authorization-params.js'
import type { Connections } from './connection.js'
import type { Links, LoginRequest } from './links.js'

/** What the sign-in page depends on. */
interface SignInPageDeps {
  readonly connections: Connections
  readonly links: Links
  readonly responder: Responder
}

/** Responds with the sign-in page, or its JSON: a link for each provider. */
export function showProviders(
  { connections, links, responder }: SignInPageDeps,
  request: GateRequest,
  loginRequest: LoginRequest,
  query: URLSearchParams,
): void {
  const providers = [...connections.values()].map(({ provider }) => {
    const { name, label, iconUrl, mark, color } = provider
    const link = links.login(request.mount, { ...loginRequest, connection: name })
    return { name, label, iconUrl, mark, color, url: link + carriedParams([provider], query) }
  })
  const json = {
    connections: providers.map(({ name, label, url }) => ({
      name,
      label,
      login_url: links.absolute(request, url),
    })),
  }
  responder.page(request, json, 'signIn', { providers })
}
