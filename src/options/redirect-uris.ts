import type { Config } from './config.js'

/**
 * Called with the redirect URI of each login. Without `baseUrl`, the requests determine it: logs
 * once what follows from the first.
 */
export function announceRedirectUri(config: Config): (redirectUri: string) => void {
  const { baseUrl, cookie, devProvider, logger } = config
  // The development provider needs no registration.
  let isAnnounced = baseUrl !== undefined || devProvider !== undefined
  return (redirectUri) => {
    if (isAnnounced) return
    isAnnounced = true
    if (cookie.sameSite === 'None' && redirectUri.startsWith('http:'))
      logger.warn(
        "cookie.sameSite: 'None' has no effect over plain http: cookies are SameSite=Lax",
        {
          hint: 'browsers reject such a cookie without Secure: use https',
        },
      )
    logger[registrationLevel()](
      `no baseUrl is set: the public URL follows from each request. Register this redirect URI at the provider: ${redirectUri} (if browsers use another host or scheme, set baseUrl first)`,
    )
  }
}

/**
 * Called by `ready()`: logs the redirect URIs that the providers must know, or that they depend on
 * the requests.
 */
export function announceReadyRedirectUris(config: Config): void {
  const { baseUrl, callbackPaths, devProvider, logger } = config
  if (devProvider !== undefined) return
  const paths = [...callbackPaths].map(([provider, path]) => ({ provider, path }))
  if (baseUrl === undefined)
    return logger[registrationLevel()](
      'no baseUrl is set: ready() cannot know the redirect URIs, which follow from each request',
      { hint: `set baseUrl, or register at the providers: ${describe(paths, '<public URL>')}` },
    )
  logger.info(
    'ready() cannot know whether the redirect URIs and the client secrets are right: the first login shows it',
    { hint: `register at the providers: ${describe(paths, baseUrl.origin + baseUrl.path)}` },
  )
}

function describe(
  paths: readonly { readonly provider: string; readonly path: string }[],
  base: string,
): string {
  return paths.map(({ provider, path }) => `${base}${path} (${provider})`).join(', ')
}

/** In tests, nothing needs to be registered. */
function registrationLevel(): 'info' | 'warn' {
  return process.env['NODE_ENV'] === 'test' ? 'info' : 'warn'
}
