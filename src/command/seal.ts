import { sealSecret } from '../options/sealed-secrets.js'
import type { Env } from './environment.js'
import { CommandError } from './errors.js'

/**
 * The JSON of a secret that only the holders of `OAUTH_MODULE_SECRET` can read. Throws a
 * {@link CommandError} without that variable, or without a secret.
 */
export function sealedJson(secret: string, env: Env): string {
  const [key = '', ...others] = (env['OAUTH_MODULE_SECRET'] ?? '')
    .split(',')
    .map((one) => one.trim())
  if (key.length < 32)
    throw new CommandError(
      'seal needs OAUTH_MODULE_SECRET in the environment, with at least 32 characters: the gate decrypts the secret with it',
    )
  const trimmed = secret.replace(/\r?\n$/, '')
  if (trimmed === '')
    throw new CommandError(
      'seal reads the secret from its standard input, as in `oauth-module seal < client-secret`',
    )
  return JSON.stringify(sealSecret(trimmed, [key, ...others]))
}
