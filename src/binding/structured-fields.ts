/** The longest value that is read: a proof with an RSA key of 4096 bits has some 1,600 characters. */
const MAX_LENGTH = 4096

/**
 * The string of a header, without its parameters; also the bare value that Chromium sends.
 * `undefined` if it is absent or malformed. (RFC 9651, 4.2.5)
 */
export function readString(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined
  const quoted = /^"([\x20\x21\x23-\x5b\x5d-\x7e]*)" *(?:;|$)/.exec(value)
  return quoted?.[1] ?? /^[\w.~+/-]+=*$/.exec(value)?.[0]
}

/** A string as the value of a header. (RFC 9651, 4.1.6) */
export function writeString(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`
}
