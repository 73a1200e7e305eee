import type { ServerResponse } from 'node:http'

/** Presets `Cache-Control: private`, which the app may override. Keeps earlier directives except `public`. */
export function presetPrivate(res: ServerResponse): void {
  const present = res.getHeader('Cache-Control')
  if (present === undefined) {
    res.setHeader('Cache-Control', 'private')
    return
  }
  const directives = String(present)
  if (/\b(?:private|no-store)\b/i.test(directives)) return
  const kept = directives.split(',').filter((one) => !/^\s*(?:public\s*)?$/i.test(one))
  res.setHeader('Cache-Control', ['private', ...kept.map((one) => one.trim())].join(', '))
}

/** The response depends on the session cookie. */
export function addVary(res: ServerResponse): void {
  const vary = String(res.getHeader('Vary') ?? '')
  if (!/\bcookie\b/i.test(vary)) res.setHeader('Vary', vary === '' ? 'Cookie' : `${vary}, Cookie`)
}
