import { once } from 'node:events'
import { afterEach, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { stopAll } from '../support/gate.js'
import { openSocket, serveSockets } from '../support/sockets.js'
import { call, startApi, startTokenIssuer } from '../support/token-issuer.js'

afterEach(stopAll)

const seconds = () => Math.floor(Date.now() / 1000)

async function serve(entry = {}) {
  const idp = await startTokenIssuer()
  const gate = await startApi(idp, { entry, options: { clockTolerance: 0 } })
  const served = serveSockets(gate)
  const open = async (claims: Record<string, unknown>) =>
    openSocket(gate.url('/feed'), { Authorization: `Bearer ${await idp.token(claims)}` })
  return { idp, gate, served, open }
}

describe('authenticate()', () => {
  test('accepts a token, sets the upstream headers, and needs no Origin', async () => {
    const { open, served } = await serve()
    const result = await open({ name: 'Ada' })
    if (typeof result === 'number') throw new Error(`refused: ${result}`)
    expect(served.headers['ngrok-auth-user-id']).toBe('ada')
    result.socket.terminate()
  })

  test('resolves to undefined for a token that is not valid, and for a user that the rules deny', async () => {
    const { open, gate } = await serve({ groups: ['staff'] })
    expect(await open({ aud: 'other' })).toBe(401)
    expect(await open({ groups: ['other'] })).toBe(401)
    expect(await openSocket(gate.url('/feed'), { Authorization: 'Bearer garbage' })).toBe(401)
    expect(gate.logged.join('\n')).toContain('not_authorized')
  })

  test('rejects with the status of an issuer that is down', async () => {
    const { open, idp } = await serve()
    idp.faults.set('/jwks', (_req, res) => void res.writeHead(503).end())
    expect(await open({})).toBe(502)
  })

  test('the signal aborts when the token expires', async () => {
    const { open } = await serve()
    const result = await open({ exp: seconds() + 5 })
    if (typeof result === 'number') throw new Error(`refused: ${result}`)
    const { socket } = result
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    expect([code, reason.toString()]).toEqual([1013, 'invalid_token'])
    expect(socket.readyState).toBe(WebSocket.CLOSED)
  })

  test('the signal of a request ends with its stream, and aborts when the token expires', async () => {
    const idp = await startTokenIssuer()
    const aborted: string[] = []
    const gate = await startApi(idp, {
      options: { clockTolerance: 0 },
      setup: {
        routes: (app) =>
          app.get('/stream', (req, res) => {
            res.flushHeaders()
            req.oauth.signal.addEventListener('abort', () => {
              aborted.push(String((req.oauth.signal.reason as { code: unknown }).code))
              res.end('{}')
            })
          }),
      },
    })
    const token = await idp.token({ exp: seconds() + 5 })
    expect((await call(gate, token, { path: '/stream' })).status).toBe(200)
    expect(aborted).toEqual(['invalid_token'])
  })
})
