import { isIP } from 'node:net'
import { isLoopback } from '../../http/origin.js'
import type { Config } from '../../options/config.js'
import { error, type Problem, warning } from './finding.js'

/**
 * Domains below which anyone can register, so that browsers reject cookies for all of them: those
 * where apps are often hosted. (RFC 6265bis, 5.7; https://publicsuffix.org)
 */
const PUBLIC_SUFFIXES = new Set([
  ...['github.io', 'gitlab.io', 'herokuapp.com', 'vercel.app', 'netlify.app', 'pages.dev'],
  ...['workers.dev', 'fly.dev', 'onrender.com', 'azurewebsites.net', 'azurestaticapps.net'],
  ...['cloudfront.net', 'web.app', 'firebaseapp.com', 'run.app', 'appspot.com', 'ngrok.io'],
  ...['ngrok.app', 'ngrok.dev', 'ngrok-free.app', 'ngrok-free.dev', 'trycloudflare.com'],
  ...['co.uk', 'org.uk', 'ac.uk', 'com.au', 'com.br', 'co.jp', 'co.nz', 'co.za', 'co.in'],
])

/** Cookie flags that do not fit the public URL. Construction checks those that contradict it. */
export function checkCookies(
  { cookie, baseUrl }: Config,
  publicUrl: string | undefined,
): Problem[] {
  const isHttps = publicUrl?.startsWith('https:') === true
  const problems: (Problem | undefined)[] = [
    domainProblem(cookie.domain),
    isHttps && cookie.secure === false
      ? warning(
          'cookie_not_secure',
          'cookie.secure is false although baseUrl is https: the browser sends the session cookie over plain http as well, where others can read it',
          'leave out cookie.secure',
        )
      : undefined,
    cookie.secure === true && publicUrl?.startsWith('http:') === true && baseUrl === undefined
      ? warning(
          'cookie_secure_over_http',
          `cookie.secure is true, and the gate listens over plain http at ${publicUrl}: some browsers do not send the cookie there`,
          'set baseUrl to the https URL of the proxy in front, or leave out cookie.secure',
        )
      : undefined,
    plainHttpProblem(publicUrl, cookie.secure),
  ]
  return problems.filter((one) => one !== undefined)
}

function domainProblem(domain: string | undefined): Problem | undefined {
  const name = domain?.replace(/^\./, '').toLowerCase()
  if (name === undefined) return undefined
  if (isIP(name) !== 0)
    return error(
      'cookie_domain_address',
      'cookie.domain is an IP address: browsers accept a cookie for an address only without Domain',
      'leave out cookie.domain',
    )
  const isSuffix = !name.includes('.') || PUBLIC_SUFFIXES.has(name)
  return isSuffix && name !== 'localhost'
    ? error(
        'cookie_domain_public',
        `cookie.domain is ${name}, below which anyone can have a host: browsers reject such a cookie, and each login would start again`,
        'leave out cookie.domain, or set it to a domain of your own',
      )
    : undefined
}

function plainHttpProblem(
  url: string | undefined,
  secure: boolean | undefined,
): Problem | undefined {
  if (url === undefined) return undefined
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'http:' || isLoopback(hostname)) return undefined
  return secure === false
    ? warning(
        'plain_http',
        `the public URL ${url} is plain http: anyone on the network between can read the session cookie, and sign in with it`,
        'serve the app over https',
      )
    : error(
        'plain_http',
        `the public URL ${url} is plain http, over which logins are rejected`,
        'set baseUrl to the https URL; only if you accept that others can read the cookie, set cookie.secure: false',
      )
}
