import { type OAuthContext, type OAuthModuleOptions, oidcProvider } from 'oauth-module'
import { devProvider } from 'oauth-module/dev'

/**
 * GitHub, if the environment names an app registered there; otherwise the development provider,
 * started on this machine.
 */
export async function chooseProvider(): Promise<OAuthModuleOptions['provider']> {
  if (process.env.OAUTH_MODULE_GITHUB_CLIENT_ID) return 'github'
  const { issuer, clientId, clientSecret } = await devProvider()
  return { dev: oidcProvider({ issuer, clientId, clientSecret, emailDomains: ['example.com'] }) }
}

export const port = Number(process.env.PORT ?? 3000)

/** The page of an example. */
export function greeting({ user }: OAuthContext): string {
  return `Hello ${user?.name ?? user?.id}, your key here is ${user?.key}\n`
}

export function announce(port: number): void {
  console.log(`An app behind oauth-module: http://localhost:${port}`)
}
