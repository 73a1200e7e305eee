import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import { logIn } from '../support/corpus.js'
import { stopAll, stopping } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestGateway } from '../support/gateway.js'
import { eventually, freePorts, type Program, startProgram } from '../support/programs.js'
import { sendRawRequest } from '../support/raw.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oauth-module-upstream-'))
  await writeFile(join(folder, 'page.html'), '<h1>a file</h1>')
  await writeFile(join(folder, 'large.bin'), Buffer.alloc(3_000_000, 'x'))
  await writeFile(
    join(folder, 'app.php'),
    `<?php
header('X-Powered-By: test');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
  setcookie('first', '1'); setcookie('second', '2');
  echo json_encode(['name' => $_POST['name'], 'size' => $_FILES['file']['size'] ?? null]);
} elseif (isset($_GET['to'])) { header('Location: /app.php?arrived', true, 302);
} elseif (isset($_GET['fail'])) { http_response_code(500); echo 'broken';
} elseif (isset($_GET['stream'])) {
  for ($i = 0; $i < 3; $i++) { echo "part $i\\n"; @ob_flush(); flush(); usleep(20000); }
} else { echo json_encode($_SERVER); }
`,
  )
})
afterAll(async () => {
  await stopAll()
  await rm(folder, { recursive: true })
})

/** A program that serves HTTP, behind the gateway. */
async function behindGateway(port: number, program: Program) {
  stopping({ close: () => program.stop() })
  await eventually('the upstream to listen', () => accepts(port))
  const gateway = await startTestGateway({ target: port })
  return clientOf(gateway)
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(undefined))
  })
}

/** Sends requests with a session. */
async function clientOf(gateway: TestGateway) {
  const cookie = await logIn(gateway)
  return (line: string, headers: string[] = [], body = '') => {
    const [method = '', target = ''] = line.split(' ')
    const all = [`Cookie: ${cookie}`, ...headers]
    return sendRawRequest(gateway.port, { method, target, headers: all, body })
  }
}

describe("Python's http.server", () => {
  let call: Awaited<ReturnType<typeof clientOf>>
  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    const args = ['-m', 'http.server', `${port}`, '--bind', '127.0.0.1', '--directory', folder]
    call = await behindGateway(port, startProgram('python3', args))
  })

  test('serves files, HEAD, 304, redirects, and errors', async () => {
    const page = await call('GET /page.html')
    expect(page).toMatchObject({ status: 200, body: '<h1>a file</h1>' })
    expect(page.headers['server']).toContain('SimpleHTTP')
    const modified = page.headers['last-modified'] ?? ''
    expect((await call('GET /page.html', [`If-Modified-Since: ${modified}`])).status).toBe(304)
    const head = await call('HEAD /large.bin')
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '3000000' } })
    expect((await call('GET /large.bin')).body).toHaveLength(3_000_000)
    expect((await call('GET /nothing')).status).toBe(404)
    expect((await call('POST /page.html', [], 'x=1')).status).toBe(501)
  })
})

describe('PHP', () => {
  let call: Awaited<ReturnType<typeof clientOf>>
  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    call = await behindGateway(port, startProgram('php', ['-S', `127.0.0.1:${port}`, '-t', folder]))
  })

  test('reads the identity from its variables, and nothing that a client forged', async () => {
    const { body } = await call('GET /app.php?a=%2Fb', [
      'Ngrok_Auth_User_Id: attacker',
      'NGROK-AUTH_USER-EMAIL: attacker',
      'ngrok_auth_github_team: attacker',
      'X_Forwarded_For: attacker',
      'X-Forwarded-For: attacker',
      'Proxy: attacker',
    ])
    const server = JSON.parse(body) as Record<string, string>
    expect(server).toMatchObject({
      QUERY_STRING: 'a=%2Fb',
      HTTP_NGROK_AUTH_USER_ID: 'u-77',
      HTTP_NGROK_AUTH_USER_NAME: 'Pat Moreau',
      HTTP_NGROK_AUTH_USER_EMAIL: 'pat@acme.example',
      HTTP_NGROK_AUTH_OAUTH_ACCESS_TOKEN: expect.any(String),
      HTTP_X_FORWARDED_FOR: '127.0.0.1',
    })
    expect(server['HTTP_COOKIE']).toBeUndefined()
    expect(body).not.toContain('attacker')
  })

  test('receives forms and files, and sets cookies', async () => {
    const form = await call(
      'POST /app.php',
      ['Content-Type: application/x-www-form-urlencoded'],
      'name=Zo%C3%AB',
    )
    expect(JSON.parse(form.body)).toEqual({ name: 'Zoë', size: null })
    expect(form.headers['set-cookie']).toBe('first=1\nsecond=2')
    const part = (head: string, content: string) =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`
    const file = await call(
      'POST /app.php',
      ['Content-Type: multipart/form-data; boundary=b'],
      `${part('name="name"', 'upload')}${part('name="file"; filename="a.txt"', 'y'.repeat(1_000_000))}--b--\r\n`,
    )
    expect(JSON.parse(file.body)).toEqual({ name: 'upload', size: 1_000_000 })
  })

  test('redirects, fails, and streams', async () => {
    const redirect = await call('GET /app.php?to=1')
    expect([redirect.status, redirect.headers['location']]).toEqual([302, '/app.php?arrived'])
    expect(await call('GET /app.php?fail=1')).toMatchObject({ status: 500, body: 'broken' })
    expect(await call('GET /app.php?stream=1')).toMatchObject({
      status: 200,
      body: 'part 0\npart 1\npart 2\n',
    })
  })
})

describe('Flask', () => {
  let call: Awaited<ReturnType<typeof clientOf>>
  beforeAll(async () => {
    await writeFile(
      join(folder, 'flask_app.py'),
      `from flask import Flask, Response, jsonify, redirect, request, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)

@app.get('/')
def page():
    return jsonify(headers=dict(request.headers), cookies=request.cookies, address=request.remote_addr,
                   url=url_for('page', _external=True))

@app.post('/')
def upload():
    response = redirect(url_for('page'))
    response.headers['X-Name'] = request.form['name'].encode().hex()
    response.set_cookie('theme', 'dark')
    return response

@app.get('/stream')
def stream():
    return Response((f'part {i}\\n' for i in range(3)), mimetype='text/plain')
`,
    )
    const [port = 0] = await freePorts(1)
    const args = ['-m', 'flask', '--app', 'flask_app', 'run', '--port', `${port}`]
    call = await behindGateway(port, startProgram(pythonWithFlask(), args, { cwd: folder }))
  })

  test('reads identity, address, and public URL from the headers, and no cookie of the gate', async () => {
    const { body } = await call('GET /', [
      'Ngrok_Auth_User_Id: attacker',
      'X-Forwarded-For: attacker',
    ])
    const seen = JSON.parse(body) as { headers: Record<string, string>; url: string }
    expect(seen).toMatchObject({ address: '127.0.0.1', cookies: {} })
    expect(seen.headers).toMatchObject({
      'Ngrok-Auth-User-Id': 'u-77',
      'Ngrok-Auth-User-Email': 'pat@acme.example',
    })
    expect(seen.url).toMatch(/^http:\/\/localhost:\d+\/$/)
    expect(seen.url).toBe(`http://${seen.headers['X-Forwarded-Host']}/`)
    expect(body).not.toContain('attacker')
  })

  test('receives forms, redirects, sets cookies, and streams', async () => {
    const type = 'Content-Type: application/x-www-form-urlencoded'
    const form = await call('POST /', [type], 'name=Zo%C3%AB')
    expect([form.status, form.headers['location']]).toEqual([302, '/'])
    expect(form.headers['x-name']).toBe(Buffer.from('Zoë').toString('hex'))
    expect(form.headers['set-cookie']).toContain('theme=dark')
    expect((await call('GET /stream')).body).toBe('part 0\npart 1\npart 2\n')
  })
})

/** The first Python that has Flask: Debian's package is for its own Python only. */
function pythonWithFlask(): string {
  const found = ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import flask']).status === 0,
  )
  if (found === undefined) throw new Error('Flask is missing: scripts/setup installs it')
  return found
}

describe('Express', () => {
  let call: Awaited<ReturnType<typeof clientOf>>
  let gateway: TestGateway
  beforeAll(async () => {
    const app = express()
    app.set('trust proxy', 'loopback')
    app.use(express.static(folder))
    app.post('/json', express.json(), (req, res) => void res.status(201).json(req.body))
    app.get('/me', (req, res) => {
      const { ip, protocol, host } = req
      res.cookie('theme', 'dark').json({ ip, protocol, host, user: req.get('ngrok-auth-user-id') })
    })
    app.get('/events', (_req, res) => {
      res.set('Content-Type', 'text/event-stream').flushHeaders()
      let count = 0
      const timer = setInterval(() => res.write(`id: ${++count}\ndata: ${count}\n\n`), 20)
      res.on('close', () => clearInterval(timer))
    })
    const { port } = await startUpstream((req, res) => void app(req, res))
    gateway = await startTestGateway({ target: port })
    call = await clientOf(gateway)
  })

  test('serves ranges and validators, parses JSON, and sees the client', async () => {
    const part = await call('GET /page.html', ['Range: bytes=4-9'])
    expect(part).toMatchObject({ status: 206, body: 'a file' })
    const { headers } = await call('GET /page.html')
    expect((await call('GET /page.html', [`If-None-Match: ${headers['etag']}`])).status).toBe(304)
    const json = ['Content-Type: application/json']
    expect(await call('POST /json', json, '{"a":[1]}')).toMatchObject({
      status: 201,
      body: '{"a":[1]}',
    })
    expect((await call('POST /json', json, '{')).status).toBe(400)
    const me = await call('GET /me', ['X-Forwarded-For: 10.0.0.9'])
    expect(JSON.parse(me.body)).toEqual({
      ip: '127.0.0.1',
      protocol: 'http',
      host: `localhost:${gateway.port}`,
      user: 'u-77',
    })
    expect(me.headers['set-cookie']).toBe('theme=dark; Path=/')
  })

  test('sends events, each as it happens', async () => {
    const cookie = await logIn(gateway)
    const agent = new Agent()
    const text = await new Promise<string>((resolve, reject) => {
      const req = get(
        {
          ...{ host: '127.0.0.1', port: gateway.port, path: '/events', agent },
          headers: { host: `localhost:${gateway.port}`, cookie, accept: 'text/event-stream' },
        },
        (res) => {
          let received = ''
          res.on('data', (chunk) => {
            received += String(chunk)
            if (!received.includes('data: 3')) return
            resolve(received)
            req.destroy()
          })
        },
      )
      req.on('error', reject)
    })
    expect(text).toBe('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: 3\n\n')
    agent.destroy()
  })
})
