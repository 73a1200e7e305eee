/** Says of a `Location` what a browser would make of it. Shares no code with what it judges. */

function originOf(location: string, base: string): string {
  return URL.canParse(location, base) ? new URL(location, base).origin : 'invalid'
}

/** A browser that follows it leaves the origin, or cannot read it. */
export function offSite(location: string, base = 'https://app.example.com/deep/page'): boolean {
  return originOf(location, base) !== new URL(base).origin
}

/**
 * What may be emitted to return to: one leading slash, visible ASCII, no backslash in the path, and
 * a path that does not start with two slashes once it is resolved (asked for again, it would name
 * another host).
 */
export function strictSameSitePath(
  location: unknown,
  base = 'https://app.example.com/deep/page',
): boolean {
  if (
    typeof location !== 'string' ||
    !/^\/(?![/\\])/.test(location) ||
    /[^\x21-\x7e]/.test(location)
  )
    return false
  if ((location.split(/[?#]/, 1)[0] ?? '').includes('\\') || !URL.canParse(location, base))
    return false
  const url = new URL(location, base)
  return url.origin === new URL(base).origin && !url.pathname.startsWith('//')
}

/** A target below the module's own paths. */
export function selfLoop(
  location: string,
  prefix = '/auth/',
  base = 'https://app.example.com/',
): boolean {
  try {
    return decodeURIComponent(new URL(location, base).pathname).toLowerCase().startsWith(prefix)
  } catch {
    return true
  }
}
