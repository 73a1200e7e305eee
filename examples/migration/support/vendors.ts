import { startVendor } from 'oauth-module/dev'

const ada = {
  id: '1815',
  name: 'Ada Lovelace',
  username: 'ada',
  email: 'ada@example.com',
  emailVerified: true,
}

/** GitHub, simulated on this machine. */
export async function startGithub() {
  const { clientId, clientSecret, origin } = await startVendor('github', { users: [ada] })
  const flow = `${origin}/login/oauth`
  return {
    clientId,
    clientSecret,
    authorization: `${flow}/authorize`,
    token: `${flow}/access_token`,
    api: origin,
  }
}

/** An OpenID Connect provider, simulated on this machine. */
export async function startOidc() {
  const users = [{ ...ada, groups: ['staff'] }]
  const { clientId, clientSecret, origin } = await startVendor('oidc', { users })
  return { clientId, clientSecret, issuer: origin }
}

/** A plain OAuth 2.0 server, simulated on this machine. */
export async function startOAuth2() {
  const { clientId, clientSecret, origin } = await startVendor('oauth2', { users: [ada] })
  return { clientId, clientSecret, origin }
}
