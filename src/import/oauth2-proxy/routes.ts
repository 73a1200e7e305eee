import { cannot, type Conversion } from './conversion.js'
import { isStatic } from './headers.js'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Requests that need no login. */
export function convertRoutes(conversion: Conversion): void {
  const { settings, draft } = conversion
  const routes = [
    ...settings.texts('skip_auth_regex').map((route) => ({ name: 'skip_auth_regex', route })),
    ...settings.texts('skip_auth_routes').map((route) => ({ name: 'skip_auth_routes', route })),
  ]
  const allowed = routes.flatMap(({ name, route }) => {
    const paths = name === 'skip_auth_regex' ? pathsOf(undefined, route) : pathsOfRoute(route)
    if (paths === undefined)
      cannot(
        conversion,
        name,
        `contains ${JSON.stringify(route)}, which is neither one path nor everything below a path: list the paths in allowPath, as in 'GET /health' or 'GET /public/*'. Until then, they need a login.`,
      )
    return paths ?? []
  })
  if (allowed.length === 0) return
  // The command rejects both together: the web server decides which requests it asks about.
  if (settings.texts('upstreams').some(isStatic))
    cannot(
      conversion,
      settings.has('skip_auth_routes') ? 'skip_auth_routes' : 'skip_auth_regex',
      'has no effect with authRequest: leave auth_request out for these paths in the web server.',
    )
  else draft.command('allowPath', [...new Set(allowed)])
}

/** `GET=^/path$`, or a path alone. */
function pathsOfRoute(route: string): readonly string[] | undefined {
  if (route.includes('!=')) return undefined
  const at = route.indexOf('=')
  return at === -1
    ? pathsOf(undefined, route)
    : pathsOf(route.slice(0, at).toUpperCase(), route.slice(at + 1))
}

/**
 * `^/path$` is a path, and `^/path/` everything below one. Everything else matches more: `^/path`
 * also matches `/pathological`, and `/path` also `/private/path`.
 */
function pathsOf(method: string | undefined, pattern: string): readonly string[] | undefined {
  const found = /^\^(\/(?:[\w~./-]|\\[./-])*?)(\$|(?:\.\*\$?)?)$/.exec(pattern)
  const [, escaped = '', end = ''] = found ?? []
  const path = escaped.replace(/\\(.)/g, '$1')
  const isBelow = end !== '$' && path.endsWith('/')
  if (found === null || path.includes('//') || (end !== '$' && !isBelow)) return undefined
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return undefined
  const methods = method === undefined || method === '' ? METHODS : [method]
  return methods.map((one) => `${one} ${path}${isBelow ? '*' : ''}`)
}
