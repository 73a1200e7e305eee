/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type { Configuration, ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import { base, Prompt } from 'oidc-provider/lib/helpers/interaction_policy/index.js'
import { createMemoryAdapter } from './memory-adapter.js'
import { claimsOf, type Persona } from './personas.js'

/** What oidc-provider asks us to answer. */
export interface ProviderAnswers {
  logoutSource(ctx: KoaContextWithOIDC, form: string): void
  postLogoutSuccessSource(ctx: KoaContextWithOIDC): void
  renderError(ctx: KoaContextWithOIDC, out: ErrorOut): void
}

interface DevConfiguration {
  issuer: string
  clientId: string
  clientSecret: string
  personas: readonly Persona[]
  answers: ProviderAnswers
}

const HOUR = 3600
const DAY = 24 * HOUR

/** All of oidc-provider that is set otherwise than by default; what it would warn about is set as well. */
export async function devConfiguration(dev: DevConfiguration): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return {
    adapter: createMemoryAdapter(),
    clients: [
      {
        client_id: dev.clientId,
        client_secret: dev.clientSecret,
        // Loopback addresses are allowed besides: the port of an app is rarely known beforehand.
        redirect_uris: ['http://localhost/auth/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
        require_auth_time: true,
      },
    ],
    jwks: {
      keys: [
        {
          ...(await exportJWK(privateKey)),
          alg: 'RS256',
          use: 'sig',
          kid: randomBytes(8).toString('hex'),
        },
      ],
    },
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
        logoutSource: dev.answers.logoutSource,
        postLogoutSuccessSource: dev.answers.postLogoutSuccessSource,
      },
    },
    renderError: dev.answers.renderError,
    interactions: { policy: interactionPolicy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount(_ctx, id) {
      const persona = dev.personas.find((candidate) => candidate.id === id)
      return persona && { accountId: id, claims: () => claimsOf(persona, dev.issuer) }
    },
    loadExistingGrant,
    // Tokens of one persona stay valid while the browser goes on as another.
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

/** An account chooser, which oidc-provider does not know by itself. */
function interactionPolicy() {
  const policy = base()
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)
  return policy
}

/** Consent to everything: choosing a persona is the only question. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const { client, provider, session, params } = oidc
  if (!client || !session?.accountId) return undefined
  const id = session.grantIdFor(client.clientId)
  const known = id === undefined ? undefined : await provider.Grant.find(id)
  const grant =
    known ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(String(params?.['scope'] ?? 'openid'))
  await grant.save()
  return grant
}
