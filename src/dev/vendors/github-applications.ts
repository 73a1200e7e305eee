import { json } from './responses.js'
import { forbiddenWithoutUserAgent } from './github-api.js'
import { profile } from './github-data.js'
import type { VendorResponse } from './types.js'
import type { Exchange, Route, Vendor } from './vendor.js'

/**
 * https://docs.github.com/en/rest/apps/oauth-applications: Basic with the client's credentials, and
 * JSON.
 */
export function tokenManagement(vendor: Vendor, root: string): Route[] {
  const manage =
    (wholeGrant: boolean) =>
    ({ request, path }: Exchange): VendorResponse => {
      if (!request.headers['user-agent']) return forbiddenWithoutUserAgent
      const credentials = Buffer.from(`${vendor.clientId}:${vendor.clientSecret}`).toString(
        'base64',
      )
      if (request.headers.authorization !== `Basic ${credentials}`)
        return json(401, { message: 'Requires authentication' })
      const token = accessTokenOf(request.body)
      const found = vendor.grants.byAccessToken(token)
      if (path['client'] !== vendor.clientId || token === undefined || !found)
        return json(404, { message: 'Not Found' })
      if (request.method === 'POST') return json(200, { token, user: profile(found.user) })
      // Deleting the grant revokes all tokens of this user for the app.
      if (wholeGrant) vendor.grants.revokeAll(found.grant.userIndex)
      else vendor.grants.revoke(token)
      return { status: 204 }
    }
  return [
    {
      endpoint: 'application',
      methods: ['POST', 'DELETE'],
      path: `${root}/applications/{client}/token`,
      respond: manage(false),
    },
    {
      endpoint: 'application',
      methods: ['DELETE'],
      path: `${root}/applications/{client}/grant`,
      respond: manage(true),
    },
  ]
}

function accessTokenOf(body: string): string | undefined {
  try {
    const { access_token: token } = JSON.parse(body) as { access_token?: unknown }
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}
