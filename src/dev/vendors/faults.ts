import type { ServerResponse } from 'node:http'
import type { VendorAnswer, VendorFault } from './types.js'

/** Sends the answer, or fails on the way as asked. */
export function send(res: ServerResponse, answer: VendorAnswer | VendorFault): void {
  if (typeof answer === 'string') faults[answer](res)
  else sendAnswer(res, answer)
}

function sendAnswer(
  res: ServerResponse,
  { status = 200, headers = {}, body = '' }: VendorAnswer,
): void {
  const isText = typeof body === 'string'
  res.writeHead(
    status,
    isText ? headers : { 'content-type': 'application/json; charset=utf-8', ...headers },
  )
  res.end(isText ? body : JSON.stringify(body))
}

const json = { 'content-type': 'application/json' }

const faults: Record<VendorFault, (res: ServerResponse) => void> = {
  // Closing the server ends what hangs.
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
