import type { Env } from '../../options/config.js'
import { error, note, type Problem, warning } from './finding.js'

const FIX = 'generate a new secret, as by `openssl rand -hex 32`'

/** Secrets of examples, tutorials and templates. Compared in lower case, without separators. */
const EXAMPLES =
  /changeme|change(?:this|it)|yoursecret|mysecret|supersecret|topsecret|keyboardcat|examplesecret|secretsecret|passwordpassword|replace(?:me|this)|insertyour|longenough|32characters|longerthan32|0123456789|1234567890|abcdefgh|qwertyui|deadbeefdeadbeef|xxxxxxxx/

const MIN_CHARACTERS = 32

/**
 * Below, a secret may be guessed. A random key of 128 bits reaches about 115 by this estimate, but
 * one in ten thousand stays below 96 by chance, and none of four million below 86.
 */
const MIN_BITS = 80

/** Whether the secrets can be guessed. Construction checks only their length. */
export function checkSecret(given: unknown, env: Env, others: readonly string[]): Problem[] {
  const secrets = secretsIn(given, env)
  if (secrets.length === 0)
    return env['NODE_ENV'] === 'production'
      ? []
      : [
          note(
            'secret_missing',
            'no secret is set, so that a random one is used: logins in progress do not survive a restart',
            `set secret or OAUTH_MODULE_SECRET, as by \`openssl rand -hex 32\`; in production it is required`,
          ),
        ]
  return secrets.flatMap((secret, index) => {
    const name = secrets.length === 1 ? 'the secret' : `secret ${index + 1} of ${secrets.length}`
    return problemOf(secret, name, others) ?? []
  })
}

/** The secrets of the option, or else those of the environment. */
export function secretsIn(given: unknown, env: Env): readonly string[] {
  const fromEnv = (env['OAUTH_MODULE_SECRET'] ?? '').split(',').map((part) => part.trim())
  const values: readonly unknown[] = given === undefined ? fromEnv : [given].flat()
  return values.filter((value): value is string => typeof value === 'string' && value !== '')
}

function problemOf(secret: string, name: string, others: readonly string[]): Problem | undefined {
  // Construction rejects it.
  if (secret.trim().length < MIN_CHARACTERS) return undefined
  if (others.includes(secret))
    return error('secret_reused', `${name} is the same as a client secret`, FIX)
  if (EXAMPLES.test(secret.toLowerCase().replace(/[^a-z0-9]/g, '')))
    return error('secret_known', `${name} is, or contains, an example that others can guess`, FIX)
  if (isRepetition(secret))
    return error('secret_repeats', `${name} repeats the same characters`, FIX)
  if (bitsOf(secret) < MIN_BITS)
    return warning(
      'secret_weak',
      `${name} has too few different characters, and may be guessed`,
      FIX,
    )
  return undefined
}

/** Whether the secret consists of one part, at least twice, or of very few characters. */
function isRepetition(secret: string): boolean {
  if (new Set(secret).size < 5) return true
  return (secret + secret).indexOf(secret, 1) < secret.length
}

/** The entropy of its characters (Shannon), times their number: an upper bound. */
function bitsOf(secret: string): number {
  const counts = new Map<string, number>()
  for (const character of secret) counts.set(character, (counts.get(character) ?? 0) + 1)
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const perCharacter = [...counts.values()].reduce(
    (sum, count) => sum - (count / total) * Math.log2(count / total),
    0,
  )
  return perCharacter * total
}
