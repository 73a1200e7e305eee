// What run.js measures. Each contender runs in a separate process.
const browser = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' }
const script = { Accept: 'application/json' }
/** As long as that of a session. */
const cookie = { Cookie: `ngrok.session=${'x'.repeat(43)}` }
/** A callback that no login has started. */
const junk = `/auth/callback?code=${'c'.repeat(40)}&state=${'s'.repeat(200)}`

const peers = [
  'express-openid-connect',
  'passport',
  'grant',
  '@auth/express',
  'better-auth',
  'iron-session',
]

/** A request of a user who is logged in, with Express. */
const loggedIn = [
  { name: 'no-op middleware, one more route', server: 'no-op', headers: { ...browser, ...cookie } },
  {
    name: 'a cookie read, req.user, req.oauth and a header set',
    server: 'least login',
    headers: { ...browser, ...cookie },
  },
  { name: 'oauth-module', server: 'gate', headers: browser, logsIn: true },
  ...peers.map((server) => ({ name: server, server, headers: browser, logsIn: true })),
  {
    name: 'oauth-module, the same access token (JWT) again and again',
    server: 'gate with tokens',
    headers: script,
    usesToken: true,
  },
].map((contender) => ({ ...contender, status: 200 }))

const anonymous = [
  { name: 'oauth-module, 401', server: 'gate', headers: script, status: 401 },
  { name: 'oauth-module, redirect to the login', server: 'gate', headers: browser, status: 302 },
  {
    name: 'oauth-module, a false callback',
    server: 'gate',
    headers: browser,
    path: junk,
    status: 400,
  },
]

const plain = [
  { name: 'node:http', server: 'bare http', headers: { ...browser, ...cookie }, status: 200 },
  { name: 'oauth-module', server: 'gate on http', headers: browser, logsIn: true, status: 200 },
]

/** Whole logins, from the first request to the page. */
const logins = ['gate', ...peers].map((server) => ({
  name: server === 'gate' ? 'oauth-module' : server,
  server,
  isLogin: true,
}))

/** The tables of docs/performance.md. The first contender of each is what the others are compared with. */
export const tables = [
  {
    id: 'logged-in',
    title: 'A request of a user who is logged in, Express 5',
    contenders: loggedIn,
  },
  {
    id: 'http',
    title: 'A request of a user who is logged in, without a framework',
    contenders: plain,
  },
  {
    id: 'anonymous',
    title: 'A request without a session, Express 5',
    contenders: [loggedIn[0], ...anonymous],
  },
  { id: 'login', title: 'A login: all requests of it together', contenders: logins },
]
