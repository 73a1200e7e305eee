import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

const part = Buffer.alloc(64 * 1024, 'x')

/**
 * An app behind the gateway: `GET /down?bytes` sends so many bytes, `POST /up` counts those that
 * arrive, and every upgrade is accepted. Reports how much it has sent and received.
 */
const counts = { sent: 0, received: 0, sockets: 0 }
/** Milliseconds between the reads of `POST /slow`. */
const SLOW_READ_MS = 20

const server = createServer((req, res) => {
  if (req.url?.startsWith('/down')) {
    let left = Number(req.url.split('?')[1])
    if (req.headers['x-chunked'] === undefined) res.setHeader('Content-Length', left)
    const write = () => {
      while (left > 0) {
        const next = left < part.length ? part.subarray(0, left) : part
        left -= next.length
        counts.sent += next.length
        if (!res.write(next)) return void res.once('drain', write)
      }
      res.end()
    }
    return write()
  }
  let received = 0
  req.on('data', (chunk: Buffer) => {
    received += chunk.length
    counts.received += chunk.length
    if (req.url !== '/slow') return
    req.pause()
    setTimeout(() => req.resume(), SLOW_READ_MS)
  })
  req.on('end', () => res.end(String(received)))
})
server.requestTimeout = 0
server.on('upgrade', (_req, socket: Socket) => {
  counts.sockets++
  socket.on('error', () => undefined)
  socket.on('close', () => counts.sockets--)
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  )
  socket.pipe(socket)
})
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
process.on('message', () => process.send?.(counts))
process.on('disconnect', () => process.exit())
