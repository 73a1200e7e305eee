import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The grant of one login. Its refresh token works once; using an old one revokes the grant. */
export interface Family {
  readonly id: string
  readonly user: string
  refreshToken: string
  /** Who last got a new refresh token, and when. */
  renewedBy: string
  renewedAt: number
  reusedAt: number | undefined
}

export interface RotatingProvider {
  readonly origin: string
  readonly families: ReadonlyMap<string, Family>
  refreshes: number
  /** Whether every response is 503. */
  isDown: boolean
  close(): Promise<void>
}

/** An app process says its name with this header of its token requests. */
export const processHeader = 'x-process'

/**
 * Not more than our margin: each check renews the tokens, and so does each request for a valid one.
 */
const EXPIRES_IN = 5
const LONGEST_ANSWER = 80

/**
 * An OAuth 2.0 server that identifies users by the cookie `who` and revokes the grant if a refresh
 * token is reused. (RFC 9700, 4.14)
 */
export async function startProvider(random: () => number): Promise<RotatingProvider> {
  const families = new Map<string, Family>()
  const codes = new Map<string, string>()
  const fresh = (family: Pick<Family, 'id' | 'user'>) =>
    `${family.user}.${family.id}.${randomBytes(12).toString('hex')}`
  const ofToken = (token: string | undefined) => families.get(token?.split('.')[1] ?? '')
  const provider = { families, refreshes: 0, isDown: false }

  const authorize = (req: IncomingMessage, res: ServerResponse, query: URLSearchParams) => {
    const code = randomBytes(12).toString('hex')
    codes.set(code, /who=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? 'nobody')
    const back = new URL(query.get('redirect_uri') ?? '')
    back.search = String(new URLSearchParams({ code, state: query.get('state') ?? '' }))
    res.writeHead(302, { Location: back.href }).end()
  }
  const redeemCode = (code: string, by: string): Family | undefined => {
    const user = codes.get(code)
    codes.delete(code)
    if (user === undefined) return undefined
    const family = {
      id: randomBytes(6).toString('hex'),
      user,
      refreshToken: '',
      renewedBy: by,
      renewedAt: 0,
      reusedAt: undefined,
    }
    families.set(family.id, family)
    return family
  }
  const redeemRefreshToken = (token: string): Family | undefined => {
    const family = ofToken(token)
    if (family === undefined || family.reusedAt !== undefined) return undefined
    if (family.refreshToken !== token) {
      family.reusedAt = Date.now()
      return undefined
    }
    provider.refreshes++
    return family
  }
  const token = async (req: IncomingMessage, res: ServerResponse) => {
    const form = await formOf(req)
    const by = String(req.headers[processHeader])
    await sleep(random() * LONGEST_ANSWER)
    const family =
      form.get('grant_type') === 'refresh_token'
        ? redeemRefreshToken(form.get('refresh_token') ?? '')
        : redeemCode(form.get('code') ?? '', by)
    if (family === undefined) return json(res, 400, { error: 'invalid_grant' })
    Object.assign(family, { refreshToken: fresh(family), renewedBy: by, renewedAt: Date.now() })
    json(res, 200, {
      access_token: fresh(family),
      token_type: 'Bearer',
      expires_in: EXPIRES_IN,
      refresh_token: family.refreshToken,
    })
  }
  const userinfo = async (req: IncomingMessage, res: ServerResponse) => {
    await sleep(random() * LONGEST_ANSWER)
    const family = ofToken(req.headers.authorization?.slice('Bearer '.length))
    if (family === undefined || family.reusedAt !== undefined)
      return json(res, 401, { error: 'invalid_token' })
    json(res, 200, { sub: family.user, name: `The user ${family.user}` })
  }

  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://provider')
    if (provider.isDown) json(res, 503, { error: 'temporarily_unavailable' })
    else if (pathname === '/authorize') authorize(req, res, searchParams)
    else if (pathname === '/token') void token(req, res)
    else void userinfo(req, res)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return Object.assign(provider, {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  })
}

async function formOf(req: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function json(res: ServerResponse, status: number, body: object): void {
  res
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(body))
}
