import { string } from '../schema/types.js'

/** Unreserved characters, which every provider and browser sends unchanged. (RFC 3986, 2.3) */
const PATH = /^(?:\/[A-Za-z0-9._~-]+)+\/?$/

/** The option `callbackPath` of `oauthModule()` and of a provider. */
export const callbackPathField = string({ max: 256, check: problemOf })

function problemOf(path: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path) || path.startsWith('//'))
    return "must be a path, not a URL: set baseUrl to the URL of the app, and callbackPath to the path, as in '/auth/github/callback'"
  if (!path.startsWith('/')) return "must start with a slash, as in '/auth/github/callback'"
  if (/[?#]/.test(path))
    return 'must be a path: leave out the query and the fragment. The login returns to the page that started it'
  if (path === '/')
    return "must not be the start page, which the app would never receive: set a path such as '/callback'"
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return 'must not contain dot segments (. or ..)'
  return PATH.test(path)
    ? undefined
    : 'must contain only letters, digits, dots, dashes, underscores, tildes and single slashes: write encoded characters out, or register another redirect URI'
}
