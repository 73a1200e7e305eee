import { gzipSync } from 'node:zlib'
import type { ServerResponse } from 'node:http'
import type { VendorOverride } from '../../src/dev/vendors/index.js'
import { expand } from './corpus.js'
import type { FaultyServer } from './faulty.js'

/** How an endpoint of the provider misbehaves, as the corpus says it. */
export interface Respond {
  status: number
  headers: Record<string, string>
  body?: string
  bodyBase64?: string
  bodyGen?: string
  behaviour?: string
  gzip?: boolean
}

/** A response of the vendor server, or the URL of a server that does what a vendor cannot. */
export type Played = { answer: VendorOverride } | { url: string }

const MEGABYTE = 1024 * 1024

export function play(
  respond: Respond,
  faulty: FaultyServer,
  values: Record<string, string>,
  jwks: JwksPlay,
): Played {
  const headers = Object.fromEntries(
    Object.entries(respond.headers).map(([name, value]) => [
      name,
      value.replace(/https?:\/\/(?:other\.internal|evil)\.example/, faulty.stray),
    ]),
  )
  const body = expand(respond.body ?? '', values)
  const binary = (bytes: Buffer, more: Record<string, string> = {}): Played => ({
    url: faulty.url((_, res) => res.writeHead(respond.status, { ...headers, ...more }).end(bytes)),
  })
  if (respond.behaviour !== undefined)
    return behave(respond.behaviour, { ...respond, headers, body }, faulty, jwks)
  if (respond.gzip) return binary(gzipSync(body))
  if (respond.bodyBase64 !== undefined) return binary(Buffer.from(respond.bodyBase64, 'base64'))
  if (respond.bodyGen === undefined) return { answer: { status: respond.status, headers, body } }
  if (/^gzip/.test(respond.bodyGen)) {
    // Compressed once: the gate, whose time limits run, is in this process as well.
    const member = gzipSync(Buffer.alloc(MEGABYTE))
    const bomb = Buffer.concat(Array.from({ length: 200 }, () => member))
    return binary(bomb, { 'content-encoding': 'gzip' })
  }
  if (/^endless/.test(respond.bodyGen)) return { answer: 'huge-body' }
  return {
    answer: {
      status: respond.status,
      headers,
      body: (body || '{"sub":"u-1"').replace(/\}$/, '') + ' '.repeat(5 * MEGABYTE) + '}',
    },
  }
}

/** What the key set's endpoint can do with the keys it really has. */
export interface JwksPlay {
  good: Record<string, unknown>
}

function behave(
  behaviour: string,
  { status, headers, body }: Required<Pick<Respond, 'status' | 'headers'>> & { body: string },
  faulty: FaultyServer,
  { good }: JwksPlay,
): Played {
  const whole = (res: ServerResponse) => void res.writeHead(status, headers).end(body)
  const keys = (...list: unknown[]): Played => ({
    answer: { status: 200, headers, body: JSON.stringify({ keys: list }) },
  })
  const played: Record<string, () => Played> = {
    'accept, never answer': () => ({ answer: 'hang' }),
    hang: () => ({ answer: 'hang' }),
    reset: () => ({ answer: 'reset' }),
    'one byte per second': () => ({ answer: 'slow-body' }),
    'truncated-json': () => ({ answer: { status: 200, headers, body: '{"access_token":"at' } }),
    'html-200': () => ({
      answer: {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<h1>Maintenance</h1>',
      },
    }),
    'empty-200': () => ({ answer: { status: 200, headers, body: '' } }),
    refused: () => ({ url: faulty.refused }),
    'accept then close': () => ({ url: faulty.url((req) => void req.socket.end()) }),
    'send half the body then RST': () => ({
      url: faulty.url((_, res) => {
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': '400' })
        res.write('{"access_token": "at-1"', () => void res.socket?.resetAndDestroy())
      }),
    }),
    'self-signed certificate': () => ({ url: faulty.selfSigned }),
    'tls-bad-cert': () => ({ url: faulty.selfSigned }),
    '100 Continue then 200': () => ({
      url: faulty.url((_, res) => (res.writeContinue(), whole(res))),
    }),
    '103 Early Hints then 200': () => ({
      url: faulty.url((_, res) => (res.writeEarlyHints({ link: '</x>; rel=preload' }), whole(res))),
    }),
    'includes d': () => keys({ ...good, d: 'AQAB', p: 'AQAB', q: 'AQAB' }),
    'two keys, same kid, second one signs': () =>
      keys({ ...good, n: String(good['n']).replace(/^.{8}/, 'AQABAQAB') }, good),
    'only key has use=enc': () => keys({ ...good, use: 'enc' }),
    'ok once, then refused': () => {
      let isFirst = true
      return { answer: () => (isFirst ? ((isFirst = false), undefined) : 'reset') }
    },
  }
  const found = played[behaviour]
  if (found === undefined)
    throw new Error(`the corpus asks for a behaviour that is unknown here: ${behaviour}`)
  return found()
}
