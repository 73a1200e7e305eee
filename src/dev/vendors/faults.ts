import type { ServerResponse } from 'node:http'
import type { VendorResponse, VendorFault } from './types.js'

/** Sends the response, or simulates the fault. */
export function send(res: ServerResponse, response: VendorResponse | VendorFault): void {
  if (typeof response === 'string') faults[response](res)
  else sendResponse(res, response)
}

function sendResponse(
  res: ServerResponse,
  { status = 200, headers = {}, body = '' }: VendorResponse,
): void {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  res.writeHead(
    status,
    isRaw ? headers : { 'content-type': 'application/json; charset=utf-8', ...headers },
  )
  res.end(isRaw ? body : JSON.stringify(body))
}

const json = { 'content-type': 'application/json' }

const faults: Record<VendorFault, (res: ServerResponse) => void> = {
  // The connection ends when the server closes.
  hang() {},
  reset(res) {
    res.socket?.resetAndDestroy()
  },
  'slow-body'(res) {
    res.writeHead(200, json)
    res.write('{')
    const trickle = setInterval(() => res.write(' '), 100)
    trickle.unref()
    res.on('close', () => clearInterval(trickle))
  },
  truncated(res) {
    res.writeHead(200, { ...json, 'content-length': '1000' })
    res.write('{"access_token":"', () => res.destroy())
  },
  'huge-body'(res) {
    const megabyte = ' '.repeat(1024 * 1024)
    let left = 64
    res.writeHead(200, json)
    const more = () => {
      while (left > 0 && !res.destroyed) {
        left -= 1
        if (!res.write(megabyte)) return void res.once('drain', more)
      }
      res.end('{}')
    }
    more()
  },
}
