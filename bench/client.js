// The load: requests over keep-alive connections, each sent when the previous response has arrived.
import { get } from 'node:http'
import { connect } from 'node:net'

/**
 * How packages without a redirect for anonymous users start a login: returns the provider's URL. The
 * cookies that the app sets are added.
 */
const starts = {
  async '@auth/express'(origin, cookies) {
    const { csrfToken } = await request(`${origin}/auth/csrf`, cookies)
    const form = new URLSearchParams({ csrfToken, callbackUrl: `${origin}/` })
    return (await request(`${origin}/auth/signin/bench`, cookies, form)).location
  },
  async 'better-auth'(origin, cookies) {
    const order = { provider: 'bench', callbackURL: `${origin}/` }
    return (await request(`${origin}/api/auth/sign-in/social`, cookies, order)).location
  },
}

async function request(url, cookies, body) {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    redirect: 'manual',
    headers: {
      Origin: new URL(url).origin,
      Cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
      ...(body && !(body instanceof URLSearchParams) && { 'Content-Type': 'application/json' }),
    },
    body: body instanceof URLSearchParams ? body : body && JSON.stringify(body),
  })
  keep(cookies, response.headers.getSetCookie())
  const location = response.headers.get('location')
  return location === null ? response.json() : { location }
}

function keep(cookies, lines) {
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
    if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) cookies.delete(name)
    else cookies.set(name, value)
  }
}

/** Logs in like a browser and returns the cookies that the app set. */
export async function login(url, contender) {
  const cookies = new Map()
  const start = starts[contender]
  return follow(start ? await start(new URL(url).origin, cookies) : url, cookies)
}

function follow(url, cookies) {
  const { hostname } = new URL(url)
  const isApp = hostname === 'localhost'
  const headers = {
    Accept: 'text/html',
    ...(isApp &&
      cookies.size > 0 && { Cookie: [...cookies].map((pair) => pair.join('=')).join('; ') }),
  }
  return new Promise((resolve, reject) => {
    get(url, { headers, family: 4 }, (res) => {
      res.resume()
      if (isApp) keep(cookies, res.headers['set-cookie'] ?? [])
      if (res.headers.location) resolve(follow(new URL(res.headers.location, url).href, cookies))
      else if (res.statusCode === 200)
        resolve([...cookies].map((pair) => pair.join('=')).join('; '))
      else reject(new Error(`the login ended with ${res.statusCode}`))
    }).on('error', reject)
  })
}

/** Sends `count` requests over `connections` connections; every response must have the status. */
export async function load({ port, headers, status, count, path = '/', connections = 8 }) {
  const lines = Object.entries({ Host: `localhost:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const request = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  const each = Math.ceil(count / connections)
  await awake(() =>
    Promise.all(
      Array.from({ length: connections }, () =>
        sendAll(port, request, each, `HTTP/1.1 ${status} `),
      ),
    ),
  )
  return each * connections
}

/**
 * Runs without sleep in between: to wake a sleeping client, or a provider in this process, costs the
 * server CPU, and more of it the slower the server.
 */
export async function awake(run) {
  let isOver = false
  const spin = () => isOver || setImmediate(spin)
  spin()
  await run()
  isOver = true
}

function sendAll(port, request, count, expected) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let left = count
    let text = ''
    socket.setNoDelay(true)
    socket.on('error', reject)
    socket.on('connect', () => socket.write(request))
    socket.on('data', (part) => {
      text += part.toString('latin1')
      if (!isComplete(text)) return
      if (!text.startsWith(expected))
        return void socket.destroy(new Error(`not ${expected}but ${text.slice(0, 200)}`))
      text = ''
      if (--left === 0) socket.end(resolve)
      else socket.write(request)
    })
  })
}

function isComplete(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))
  return length ? text.length >= end + 4 + Number(length[1]) : text.endsWith('\r\n0\r\n\r\n')
}
