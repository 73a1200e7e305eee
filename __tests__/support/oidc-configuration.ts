import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type { Adapter, AdapterPayload, Configuration } from 'oidc-provider'
import type { Account, OidcOptions } from './oidc.js'

export type Store = Map<string, { payload: AdapterPayload; expiresAt: number }>

export interface State {
  accounts: Map<string, Account>
  loginAs: string | undefined
  isDenied: boolean
  store: Store
  /** The response to the last back-channel logout. */
  backchannelStatus?: number
}

/**
 * Everything in one map, so that the tests' control can find the sessions and tokens of an account.
 */
export function createAdapter(store: Store) {
  return (model: string): Adapter => {
    const find = (matches: (payload: AdapterPayload, key: string) => boolean) => {
      for (const [key, { payload, expiresAt }] of store) {
        if (key.startsWith(`${model}:`) && expiresAt > Date.now() && matches(payload, key))
          return payload
      }
      return undefined
    }
    return {
      async upsert(id, payload, expiresIn) {
        store.set(`${model}:${id}`, {
          payload,
          expiresAt: expiresIn ? Date.now() + expiresIn * 1000 : Infinity,
        })
      },
      find: async (id) => find((_, key) => key === `${model}:${id}`),
      findByUid: async (uid) => find((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode),
      async consume(id) {
        const found = store.get(`${model}:${id}`)
        if (found) found.payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        store.delete(`${model}:${id}`)
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of store) if (payload.grantId === grantId) store.delete(key)
      },
    }
  }
}

async function signingKeys() {
  const pairs = await Promise.all(
    ['RS256', 'ES256'].map((alg) => generateKeyPair(alg, { extractable: true })),
  )
  return Promise.all(
    pairs.map(async ({ privateKey }, i) => ({
      ...(await exportJWK(privateKey)),
      use: 'sig',
      alg: i === 0 ? 'RS256' : 'ES256',
      kid: randomBytes(6).toString('hex'),
    })),
  )
}

export async function configuration(options: OidcOptions, state: State): Promise<Configuration> {
  const { lifetimes = {} } = options
  const session = lifetimes.session ?? 3600
  return {
    adapter: createAdapter(state.store),
    jwks: { keys: await signingKeys() },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => options.pkceRequired ?? true },
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'picture'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
      ...options.claims,
    },
    conformIdTokenClaims: !options.claimsInIdToken,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      clientCredentials: { enabled: options.clientCredentials ?? false },
      jwtUserinfo: { enabled: true },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: {
        enabled: true,
        requirePushedAuthorizationRequests: options.requirePushedRequests ?? false,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          // The submit buttons' value comes along as a field, for clients without a screen.
          ctx.body = `<!doctype html><html lang="en"><title>Log out?</title><h1>Log out?</h1>${form.replace(
            '</form>',
            '<input type="hidden" name="logout" value="yes"/><button>Log out</button></form>',
          )}</html>`
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body =
            '<!doctype html><html lang="en"><title>Logged out</title><h1>Logged out</h1></html>'
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount(_ctx, sub) {
      const account = state.accounts.get(sub)
      return account && { accountId: sub, claims: () => account }
    },
    async loadExistingGrant({ oidc }) {
      const { client, provider, params } = oidc
      const accountId = oidc.session?.accountId
      if (!client || accountId === undefined) return undefined
      const id = oidc.session?.grantIdFor(client.clientId)
      const grant =
        (id && (await provider.Grant.find(id))) ||
        new provider.Grant({ clientId: client.clientId, accountId })
      grant.addOIDCScope(String(params?.['scope'] ?? 'openid'))
      await grant.save()
      return grant
    },
    issueRefreshToken: (_ctx, client, code) => {
      if (options.refreshTokens === 'never' || !client.grantTypeAllowed('refresh_token'))
        return false
      return options.refreshTokens === 'always' || code.scopes.has('offline_access')
    },
    expiresWithSession: () => false,
    rotateRefreshToken: options.rotateRefreshTokens ?? false,
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: lifetimes.accessToken ?? 3600,
      AuthorizationCode: lifetimes.code ?? 60,
      IdToken: lifetimes.idToken ?? 3600,
      RefreshToken: lifetimes.refreshToken ?? 86400,
      Interaction: 600,
      Session: session,
      Grant: 86400,
    },
    renderError: (ctx, out) => {
      ctx.type = 'text'
      ctx.body = Object.entries(out)
        .map(([key, value]) => `${key}: ${value}`)
        .join('\n')
    },
    // The provider's protection against internal addresses would reject every client of these
    // tests.
    fetch: async (url, init) => {
      const { method, headers, body, redirect, signal } = init as RequestInit
      const response = await fetch(url, { method, headers, body, redirect, signal } as RequestInit)
      state.backchannelStatus = response.status
      return response
    },
  }
}
