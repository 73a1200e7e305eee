/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type {
  ClientMetadata,
  Configuration,
  ErrorOut,
  JWK,
  KoaContextWithOIDC,
} from 'oidc-provider'
import { base, Prompt } from 'oidc-provider/lib/helpers/interaction_policy/index.js'
import { createMemoryAdapter } from './memory-adapter.js'
import { claimsOf, type Persona } from './personas.js'

/** The pages of oidc-provider's own flows. */
export interface ProviderPages {
  logoutSource: (ctx: KoaContextWithOIDC, form: string) => void
  postLogoutSuccessSource: (ctx: KoaContextWithOIDC) => void
  renderError: (ctx: KoaContextWithOIDC, out: ErrorOut) => void
}

interface DevConfiguration {
  issuer: string
  clientId: string
  clientSecret: string
  personas: readonly Persona[]
  pages: ProviderPages
}

/** In seconds. */
const HOUR = 3600
const DAY = 24 * HOUR

/**
 * The configuration of oidc-provider: what differs from the defaults, and defaults that would cause
 * warnings.
 */
export async function devConfiguration(dev: DevConfiguration): Promise<Configuration> {
  return {
    adapter: createMemoryAdapter(),
    clients: [clientOf(dev)],
    jwks: { keys: [await createSigningKey()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    clientAuthMethods: ['client_secret_post'],
    pkce: { required: () => true },
    responseTypes: ['code'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username', 'picture', 'groups'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: dev.pages.logoutSource,
        postLogoutSuccessSource: dev.pages.postLogoutSuccessSource,
      },
    },
    renderError: dev.pages.renderError,
    discovery: { prompt_values_supported: ['none', 'login', 'consent', 'select_account'] },
    interactions: { policy: interactionPolicy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount(_ctx, id) {
      const persona = dev.personas.find((candidate) => candidate.id === id)
      return persona && { accountId: id, claims: () => claimsOf(persona, dev.issuer) }
    },
    loadExistingGrant,
    // The tokens of a persona stay valid after the browser signs in as another one.
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      Grant: 30 * DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 30 * DAY,
      Session: DAY,
    },
  }
}

function clientOf({ clientId, clientSecret }: DevConfiguration): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    // All loopback URIs are accepted as well, since the port of an app is rarely known in advance.
    redirect_uris: ['http://localhost/auth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    require_auth_time: true,
  }
}

async function createSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomBytes(8).toString('hex')
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid }
}

/** Adds the prompt `select_account`, which oidc-provider does not have. */
function interactionPolicy() {
  const policy = base()
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)
  return policy
}

/** Grants all scopes, so that choosing a persona is the only step. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const { client, provider, session, params } = oidc
  if (!client || !session?.accountId) return undefined
  const id = session.grantIdFor(client.clientId)
  const known = id === undefined ? undefined : await provider.Grant.find(id)
  const grant =
    known ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  const scope = params?.['scope']
  grant.addOIDCScope(typeof scope === 'string' ? scope : 'openid')
  await grant.save()
  return grant
}
