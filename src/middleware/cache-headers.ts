import type { ServerResponse } from 'node:http'

/**
 * Presets `Cache-Control: private`, which the app may override. Keeps earlier directives except
 * `public`.
 */
export function presetPrivate(res: ServerResponse): void {
  const present = res.getHeader('Cache-Control')
  if (present === undefined) {
    res.setHeader('Cache-Control', 'private')
    return
  }
  const directives = String(present)
  if (/\b(?:private|no-store)\b/i.test(directives)) return
  // Some apps separate directives by spaces, and some caches accept that.
  const kept = directives
    .split(',')
    .map((directive) => directive.trim().replace(/^public(?:\s+|$)/i, ''))
  res.setHeader(
    'Cache-Control',
    ['private', ...kept.filter((directive) => directive !== '')].join(', '),
  )
}

/** Adds `Vary: Cookie`, because the response depends on the session cookie. */
export function addVary(res: ServerResponse): void {
  const vary = String(res.getHeader('Vary') ?? '')
  if (!/\bcookie\b/i.test(vary)) res.setHeader('Vary', vary === '' ? 'Cookie' : `${vary}, Cookie`)
}
