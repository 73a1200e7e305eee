import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  /** Header lines as they came, in order. */
  lines: [name: string, value: string][]
  /** By lower-case name; repeated lines joined by a line feed. */
  headers: Record<string, string>
  body: string
  /** Everything that came, undecoded. */
  text: string
}

function dechunk(body: string): string {
  let rest = body
  let result = ''
  for (;;) {
    const end = rest.indexOf('\r\n')
    const size = end < 0 ? 0 : parseInt(rest.slice(0, end), 16)
    if (!size) return result
    result += rest.slice(end + 2, end + 2 + size)
    rest = rest.slice(end + 2 + size + 2)
  }
}

function parse(text: string): RawAnswer {
  const split = text.indexOf('\r\n\r\n')
  const [start = '', ...fields] = text.slice(0, split < 0 ? undefined : split).split('\r\n')
  const lines = fields.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) {
    const key = name.toLowerCase()
    headers[key] = headers[key] === undefined ? value : `${headers[key]}\n${value}`
  }
  const rest = split < 0 ? '' : text.slice(split + 4)
  const body = headers['transfer-encoding'] === 'chunked' ? dechunk(rest) : rest
  return {
    status: Number(start.split(' ')[1] ?? 0),
    lines,
    headers,
    body: Buffer.from(body, 'latin1').toString(),
    text,
  }
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + 4 + Number(length)
}

/**
 * Sends exactly these bytes (one character is one byte) and reads until the server closes. Send
 * `Connection: close`, or the response lasts until the server's keep-alive timeout; with `once` it
 * ends with the first complete response.
 */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
  { once = false } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (once && isComplete(Buffer.concat(chunks).toString('latin1'))) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString('latin1'))))
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
}

/**
 * One request from a target and header lines in any spelling; adds `Host` and `Connection: close`
 * unless given.
 */
export function sendRawRequest(
  port: number,
  {
    method = 'GET',
    target = '/',
    headers = [],
    body = '',
  }: { method?: string; target?: string; headers?: string[]; body?: string },
): Promise<RawAnswer> {
  const has = (name: string) => headers.some((line) => line.toLowerCase().startsWith(`${name}:`))
  const lines = [`${method} ${target} HTTP/1.1`]
  if (!has('host')) lines.push(`Host: localhost:${port}`)
  lines.push(...headers)
  if (!has('connection')) lines.push('Connection: close')
  if (body && !has('content-length') && !has('transfer-encoding'))
    lines.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`)
  return sendRaw(port, `${lines.join('\r\n')}\r\n\r\n${body}`)
}
