import { randomBytes } from 'node:crypto'
import type { Mistakes } from '../schema/field.js'
import { custom } from '../schema/types.js'

const MIN_CHARACTERS = 32

/** The option `secret`: a string, or an array of which the first encrypts and all decrypt. */
export const secretField = custom((value, mistakes) => parseSecrets(value, mistakes), {
  type: 'anyOf',
  of: [{ type: 'secret' }, { type: 'array', of: { type: 'secret' } }],
})

/** The variable `OAUTH_MODULE_SECRET`, in which commas separate several secrets. */
export function environmentSecrets(
  variable: string | undefined,
  mistakes: Mistakes,
): readonly string[] | undefined {
  if (variable === undefined || variable === '') return undefined
  const secrets = variable.split(',').map((part) => part.trim())
  return parseSecrets(
    secrets,
    mistakes,
    'from OAUTH_MODULE_SECRET, where commas separate several, ',
  )
}

/** A secret for this process only. */
export function randomSecret(): string {
  return randomBytes(MIN_CHARACTERS).toString('hex')
}

function parseSecrets(
  value: unknown,
  mistakes: Mistakes,
  source = '',
): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0) return mistakes.add('is an empty array')
  const secrets = values.filter((secret) => typeof secret === 'string')
  if (secrets.length < values.length) return mistakes.add('must be a string or an array of strings')
  if (secrets.some((secret) => secret.trim().length < MIN_CHARACTERS))
    return mistakes.add(
      `${source}must have at least ${MIN_CHARACTERS} characters, as from \`openssl rand -hex 32\``,
    )
  return new Set(secrets).size === secrets.length
    ? secrets
    : mistakes.add('contains the same secret twice')
}
