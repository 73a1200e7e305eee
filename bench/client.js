// The load: requests over keep-alive connections, each sent when the previous response has arrived.
import { get } from 'node:http'
import { connect } from 'node:net'

/** Logs in like a browser and returns the cookies that the app set. */
export function login(url, cookies = new Map()) {
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
      for (const line of isApp ? (res.headers['set-cookie'] ?? []) : []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
        if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
      if (res.headers.location) resolve(login(new URL(res.headers.location, url).href, cookies))
      else if (res.statusCode === 200)
        resolve([...cookies].map((pair) => pair.join('=')).join('; '))
      else reject(new Error(`the login ended with ${res.statusCode}`))
    }).on('error', reject)
  })
}

/** Sends `count` requests over `connections` connections; every response must have the status. */
export async function load({ port, headers, status, count, connections = 8 }) {
  const lines = Object.entries({ Host: `localhost:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const request = `GET / HTTP/1.1\r\n${lines.join('')}\r\n`
  const each = Math.ceil(count / connections)
  // Never sleeps: waking a sleeping client costs the server CPU, and more of it the slower the
  // server.
  let isOver = false
  const spin = () => isOver || setImmediate(spin)
  spin()
  await Promise.all(
    Array.from({ length: connections }, () => sendAll(port, request, each, `HTTP/1.1 ${status} `)),
  )
  isOver = true
  return each * connections
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
