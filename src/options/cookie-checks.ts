import { isLoopback } from '../http/origin.js'
import type { ConfigDraft, Env } from './config.js'
import type { OAuthModuleOptions } from './options.js'

/** A check of options that depend on each other or on the environment. */
export interface Check {
  /** The option that the message names. */
  readonly at: string
  /** The check is skipped if one of these options has a mistake. */
  readonly of: readonly (keyof OAuthModuleOptions)[]
  /** How to fix the combination, or `undefined` if it is valid. */
  readonly check: (draft: ConfigDraft, env: Env) => string | undefined
}

/** Whether browsers accept the session cookie, and send it to the gate. */
export const cookieChecks: readonly Check[] = [
  {
    at: 'cookie.sameSite',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      if (cookie.sameSite !== 'None') return undefined
      if (cookie.secure === false)
        return "cannot be 'None' without Secure: browsers reject such a cookie"
      return isPlainHttp(baseUrl)
        ? "cannot be 'None' with an http baseUrl: browsers reject such a cookie"
        : undefined
    },
  },
  {
    at: 'cookie.secure',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) =>
      cookie.secure === true && isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'cannot be true with an http baseUrl: the browser would not send the cookie'
        : undefined,
  },
  {
    at: 'baseUrl',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) =>
      cookie.secure === undefined && isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'is plain http, over which logins are rejected: set the https URL, or accept http with cookie.secure: false'
        : undefined,
  },
  {
    at: 'cookie.domain',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      const domain = cookie.domain?.replace(/^\./, '').toLowerCase()
      if (baseUrl === undefined || domain === undefined) return undefined
      const { hostname } = new URL(baseUrl.origin)
      return hostname === domain || hostname.endsWith(`.${domain}`)
        ? undefined
        : 'must be the host of baseUrl or a parent domain: the browser would reject the cookie'
    },
  },
  {
    at: 'cookie.path',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      const mount = baseUrl?.path === '' ? '/' : baseUrl?.path
      const { path = mount } = cookie
      if (mount === undefined || path === undefined || path === mount) return undefined
      return mount.startsWith(path.endsWith('/') ? path : `${path}/`)
        ? undefined
        : 'must be the path of baseUrl or a parent path: the browser would not send the cookie there'
    },
  },
]

/** Whether `baseUrl` is set, and not https. */
export function isPlainHttp(baseUrl: ConfigDraft['baseUrl']): boolean {
  return baseUrl?.origin.startsWith('http:') ?? false
}

/** Whether `baseUrl` is on this machine. */
export function isLoopbackUrl(baseUrl: ConfigDraft['baseUrl']): boolean {
  return baseUrl !== undefined && isLoopback(new URL(baseUrl.origin).hostname)
}
