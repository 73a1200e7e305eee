import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createBrowser, linksOf } from '../support/jar.js'
import { Packed, run } from '../support/package.js'

const packed = new Packed()
const folder = mkdtempSync(join(tmpdir(), 'oauth-module-nextjs-'))
let server: ChildProcess
let origin: string

/** Installs and builds the example as its reader would, with the tarball. */
beforeAll(async () => {
  await packed.pack()
  cpSync(join(__dirname, '../../examples/nextjs'), folder, { recursive: true })
  const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', packed.tarball]
  expect(await run(folder, 'npm', install)).toMatchObject({ code: 0 })
  expect(await run(folder, 'npx', ['next', 'build'])).toMatchObject({ code: 0 })
  const { NODE_OPTIONS: _, ...env } = process.env
  server = spawn(process.execPath, ['server.mjs'], {
    cwd: folder,
    env: { ...env, PORT: '0', NODE_ENV: 'production', OAUTH_MODULE_SECRET: 'x'.repeat(40) },
  })
  let printed = ''
  origin = await new Promise((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      printed += String(chunk)
      const found = /http:\/\/localhost:[1-9]\d*/.exec(printed)?.[0]
      if (found !== undefined) resolve(found)
    }
    server.stdout?.on('data', listen)
    server.stderr?.on('data', listen)
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${printed}`)))
  })
}, 300_000)

afterAll(async () => {
  if (server.exitCode === null) {
    server.kill()
    await once(server, 'exit')
  }
  packed.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('a page of Next.js behind the gate shows the user of the session, and no forged one', async () => {
  const browser = createBrowser()
  const chooser = await browser.get(`${origin}/`)
  const ada = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === 'ada')
  const page = await browser.get(ada ?? chooser.url)
  expect([page.status, page.body]).toEqual([200, expect.stringMatching(/hello (<!-- -->)?Ada/)])
  const forged = { 'ngrok-auth-user-name': 'Mallory' }
  const again = await browser.get(`${origin}/`, { headers: forged })
  expect(again.body).not.toContain('Mallory')
  const anonymous = await createBrowser().get(`${origin}/`, { follow: false, headers: forged })
  expect(anonymous.status).toBe(302)
})
