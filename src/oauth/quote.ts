const MAX_LENGTH = 200
/**
 * A part of a secret this long is removed as well: providers shorten and encode what they quote.
 */
const PART_LENGTH = 8
/** Shorter values are not removed: they could be part of any word. */
const MIN_SECRET_LENGTH = 4

/**
 * Quotes text of a provider for the log: printable, at most 200 characters, without the secrets
 * that the provider received, which it may repeat.
 */
export function quote(text: string, secrets: readonly string[]): string {
  const printable = text.slice(0, MAX_LENGTH + 1).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
  const rest = secrets.reduce(withoutParts, printable.trim())
  return JSON.stringify(text.length > MAX_LENGTH ? `${rest}…` : rest)
}

function withoutParts(text: string, secret: string): string {
  if (secret.length < MIN_SECRET_LENGTH) return text
  const size = Math.min(secret.length, PART_LENGTH)
  const characters = text.split('')
  for (let start = 0; start + size <= text.length; start++)
    if (secret.includes(text.slice(start, start + size))) characters.fill('\0', start, start + size)
  return characters.join('').replace(/\0+/g, '…')
}
