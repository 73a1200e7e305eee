import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createBrowser, linksOf } from '../support/jar.js'

const root = join(__dirname, '../..')
const children: ChildProcess[] = []

afterEach(async () => {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }),
  )
})

/**
 * Starts an example as its reader would, on a free port if none is named, and without an account
 * anywhere.
 */
function start(name: string, port = '0'): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('OAUTH_MODULE_')),
  )
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', `${name}.ts`)], {
    cwd: root,
    env: { ...env, PORT: port, NODE_ENV: 'development' },
  })
  children.push(child)
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer) => {
      said += String(chunk)
      const origin = /http:\/\/localhost:[1-9]\d*/.exec(said)?.[0]
      if (origin !== undefined) resolve(origin)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${said}`)))
  })
}

/** Where each of the framework examples asks for a login. */
const frameworks: Record<string, string> = {
  connect: '/deep?x=1',
  http: '/deep?x=1',
  serverless: '/deep?x=1',
  express4: '/reports/2026?tab=costs',
  fastify: '/deep?x=1',
  nestjs: '/deep?x=1',
}

// One needs a database: __tests__/stores/examples.test.ts has it.
const others = readdirSync(join(root, 'examples')).flatMap((file) =>
  file.endsWith('.ts') &&
  file !== 'connect-pg-simple.ts' &&
  // Clients, not servers: token-examples.test.ts has them.
  !/^cli(?:-loopback)?\.ts$/.test(file) &&
  frameworks[file.slice(0, -3)] === undefined
    ? [file.slice(0, -3)]
    : [],
)

describe('an example', () => {
  test.each(Object.entries(frameworks))(
    '%s logs Ada in at the development provider and responds with the requested page',
    async (name, path) => {
      const origin = await start(name)
      const browser = createBrowser()
      const chooser = await browser.get(origin + path)
      const ada = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === 'ada')
      if (ada === undefined)
        throw new Error(`nobody to choose: ${chooser.status} ${chooser.url} ${chooser.body}`)
      const page = await browser.get(ada)
      expect([page.status, page.url]).toEqual([200, origin + path])
      expect(page.body).toMatch(/^Hello Ada Lovelace, your key here is dev:\S+\n$/)
      expect(page.headers['cache-control']).toBe('private')
      // Other requests than navigations get 401, and the special paths belong to the gate.
      const mount = name === 'express4' ? '/reports' : ''
      const api = await createBrowser().get(origin + path, {
        headers: { 'Sec-Fetch-Mode': 'cors', Accept: 'application/json' },
        follow: false,
      })
      expect([api.status, JSON.parse(api.body)]).toEqual([
        401,
        expect.objectContaining({ error: 'login_required' }),
      ])
      expect((await browser.get(`${origin}${mount}/auth/nothing`)).status).toBe(404)
      const out = await browser.get(`${origin}${mount}/auth/logout`, {
        headers: { 'Sec-Fetch-Site': 'same-origin' },
      })
      expect(out.status).toBe(200)
      expect((await browser.get(origin + path, { follow: false })).status).toBe(302)
    },
    60_000,
  )

  test('reports that its port is in use', async () => {
    const { port } = new URL(await start('basic'))
    await expect(start('basic', port)).rejects.toThrow('EADDRINUSE')
    await expect(start('redis', port)).rejects.toThrow('EADDRINUSE')
  }, 60_000)

  test('express4 leaves the rest of the site open', async () => {
    const origin = await start('express4')
    expect((await createBrowser().get(`${origin}/`)).body).toContain('This page is public')
  }, 60_000)

  test.each(others)(
    '%s starts and responds',
    async (name) => {
      const page = await createBrowser().get(`${await start(name)}/deep`, { follow: false })
      expect(page.status).toBeLessThan(400)
    },
    60_000,
  )
})
