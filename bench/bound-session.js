// Logs in and binds the session, as a browser that supports device-bound sessions.
import { generateKeyPairSync, sign } from 'node:crypto'
import { request } from 'node:http'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The proof of a new key, for the challenge of a login response. */
function proofOf(challenge) {
  const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const header = encode({ alg: 'ES256', typ: 'dbsc+jwt', jwk: { kty, crv, x, y } })
  const text = `${header}.${encode({ jti: challenge })}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A browser of the app at this port, which believes that it uses https. */
function browserOf(port) {
  const cookies = new Map()
  const send = (method, url, headers = {}) =>
    new Promise((resolve, reject) => {
      const { hostname, host, pathname, search } = new URL(url)
      const isApp = hostname === 'app.example.com'
      const target = isApp
        ? { hostname: '127.0.0.1', port }
        : { host: hostname, port: host.split(':')[1] }
      const Cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
      const own = isApp ? { Host: host, ...(Cookie && { Cookie }) } : {}
      const options = {
        ...target,
        method,
        path: pathname + search,
        headers: { Accept: 'text/html', ...own, ...headers },
      }
      request(options, (res) => {
        res.resume()
        for (const line of isApp ? (res.headers['set-cookie'] ?? []) : []) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
          if (value === '') cookies.delete(name)
          else cookies.set(name, value)
        }
        res.on('end', () => resolve(res))
      })
        .on('error', reject)
        .end()
    })
  return { cookies, send }
}

/** The cookies of a new session, bound if the app offers it and `binds`. */
export async function boundLogin(port, binds) {
  const { cookies, send } = browserOf(port)
  let url = 'https://app.example.com/'
  let challenge
  for (;;) {
    const { headers, statusCode } = await send('GET', url)
    challenge ??= /challenge="([^"]*)"/.exec(headers['secure-session-registration'])?.[1]
    if (statusCode === 200) break
    if (!headers.location) throw new Error(`the login ended with ${statusCode}`)
    url = new URL(headers.location, url).href
  }
  if (binds) {
    const headers = { 'Secure-Session-Response': proofOf(challenge) }
    const url = 'https://app.example.com/auth/device/register'
    const { statusCode } = await send('POST', url, headers)
    if (statusCode !== 200) throw new Error(`the registration ended with ${statusCode}`)
  }
  return cookies
}
