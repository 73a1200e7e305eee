import type { Config, Env } from '../../options/config.js'
import type { OAuthModuleOptions } from '../../options/options.js'
import type { Finding } from './finding.js'
import { secretsIn } from './secret-check.js'
import { redisUrl } from './store-check.js'

/** Shorter values could be part of any word. */
const MIN_LENGTH = 6

/** All secrets of a configuration, also in the encodings of URLs. */
export function knownSecrets(
  config: Config | undefined,
  given: OAuthModuleOptions | undefined,
  store: unknown,
  env: Env,
): readonly string[] {
  const { password = '' } = redisUrl(store) ?? {}
  const providers = config?.providers ?? []
  const secrets = [
    password,
    ...secretsIn(given?.secret, env),
    ...introspectionSecrets(config?.bearer),
    ...providers.flatMap(({ clientSecret, tokenHeaders }) => [
      clientSecret ?? '',
      ...Object.values(tokenHeaders),
    ]),
    ...Object.entries(env).flatMap(([name, value = '']) =>
      /^OAUTH_MODULE_.*SECRET|^https?_proxy$/i.test(name) ? [value] : [],
    ),
  ]
  return [...new Set(secrets.flatMap((secret) => [secret, decoded(secret)]))].filter(
    (secret) => secret.length >= MIN_LENGTH,
  )
}

/** The client secrets of introspection. */
export function introspectionSecrets(bearer: Config['bearer']): readonly string[] {
  return (bearer?.issuers ?? []).flatMap(({ introspection }) => introspection?.clientSecret ?? [])
}

/** The findings, in which a server may have repeated a secret. */
export function withoutSecrets(
  findings: readonly Finding[],
  secrets: readonly string[],
): Finding[] {
  const clean = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
  return findings.map((finding) => ({
    ...finding,
    problem: clean(finding.problem),
    fix: clean(finding.fix),
  }))
}

function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret)
  } catch {
    return secret
  }
}
