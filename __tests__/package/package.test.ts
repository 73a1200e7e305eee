import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { binaries, Packed, run, runtime } from '../support/package.js'

const packed = new Packed()

beforeAll(() => packed.pack())
afterAll(() => packed.remove())

const esm = JSON.stringify({ name: 'consumer', private: true, type: 'module' })
const cjs = JSON.stringify({ name: 'consumer', private: true })

/**
 * An app behind the gate that asks itself one question, as a script would, and prints the status.
 */
const app = `
const auth = oauthModule({
  provider: { acme: oidcProvider({ issuer: 'https://id.example', clientId: 'a', clientSecret: 'b' }) },
  secret: 'a secret of thirty-two characters or more',
  store: memoryStore(),
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
const server = express().use(auth).get('/', (req, res) => { res.send(req.oauth.user?.name ?? '') }).listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const { status } = await fetch('http://127.0.0.1:' + port)
  console.log('answered', status)
  server.close()
})
`
const plainApp = app.replace(' as AddressInfo', '')

function tsconfig(options: Record<string, unknown> = {}): string {
  const compilerOptions = {
    target: 'ES2022',
    module: 'node16',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    esModuleInterop: true,
    outDir: 'out',
    rootDir: '.',
    types: ['node'],
    ...options,
  }
  return JSON.stringify({ compilerOptions, files: ['app.ts'] })
}

const types = ['typescript', '@types/node', '@types/express', 'express']

async function compile(folder: string): Promise<string> {
  const { output } = await run(folder, process.execPath, [join(binaries, 'tsc'), '-p', '.'])
  return output
}

describe('the tarball', () => {
  test('contains the build, the licenses and the documentation, and nothing else', async () => {
    const files = await packed.files()
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'SECURITY.md',
        'CONTRIBUTING.md',
        'docs/README.md',
        'docs/providers/github.md',
        'examples/basic.ts',
        'package.json',
        'dist/THIRD-PARTY-NOTICES.txt',
        'dist/admin.cjs',
        'dist/admin.js',
        'dist/command.js',
        'dist/config-schema.json',
        'examples/deploy/Dockerfile',
      ]),
    )
    for (const file of files)
      expect(file).toMatch(
        /^(?:LICENSE|[A-Z]+\.md|docs\/(?:providers\/)?[\w-]+\.md|docs\/images\/sign-in\.png|docs\/openapi\.json|docs\/performance\.svg|examples\/[\w/-]+\.(?:ts|js|mjs|jsx|json|css|svg|html)|examples\/deploy\/[\w.-]+|package\.json|dist\/config-schema\.json|dist\/THIRD-PARTY-NOTICES\.txt|dist\/[a-z/-]+\.c?js|dist\/[a-z/-]+\.d\.c?ts|dist\/[a-z\d]+-[\w-]+\.d\.c?ts)$/,
      )
  })

  // Readable code, declarations with their documentation, and the schema for editors. See docs/performance.md.
  test('is small: dist takes at most 1.6 MB without dev, command and licenses, and has no source maps', async () => {
    const folder = join(await packed.project({}, []), 'node_modules/oauth-module')
    const files = (await packed.files()).filter((file) => file.startsWith('dist/'))
    const counted = files.filter((file) => !/^dist\/(?:dev\.|command\.|THIRD-PARTY)/.test(file))
    const bytes = counted.map((file) => statSync(join(folder, file)).size)
    expect(bytes.length).toBeGreaterThan(30)
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(1_600_000)
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([])
  })

  test('contains the license of every bundled package', async () => {
    const folder = join(await packed.project({}, []), 'node_modules/oauth-module/dist')
    const notices = readFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8')
    for (const name of [
      'openid-client',
      'oauth4webapi',
      'jose',
      'oidc-provider',
      'koa',
      'bowser',
    ]) {
      expect(notices).toMatch(new RegExp(`^${name} [0-9.]+ \\(MIT\\)$`, 'm'))
    }
    for (const file of ['libraries.cjs', 'user-agent.cjs', 'dev.js', 'dev.cjs', 'command.js']) {
      const paths = readFileSync(join(folder, file), 'utf8').matchAll(
        /^\s*\/\/ node_modules\/(?:.*\/node_modules\/)?((?:@[^/\s]+\/)?[^/\s]+)\//gm,
      )
      const names = new Set([...paths].map(([, name]) => name))
      expect(names.size).toBeGreaterThan(0)
      for (const name of names) expect(notices).toContain(`\n${name} `)
    }
  })

  test('contains the license of the copied marks, and a note that they are trademarks', async () => {
    const folder = join(await packed.project({}, []), 'node_modules/oauth-module/dist')
    const notices = readFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8')
    expect(notices).toMatch(/^bootstrap-icons [0-9.]+ \(MIT\)\n\nThe MIT License/m)
    expect(notices).toContain('The Bootstrap Authors')
    expect(notices).toMatch(/marks of GitHub, Google, .*\strademarks\sof\stheir\sowners/s)
  })

  test('S-104 has no install scripts and at most five dependencies', async () => {
    const { scripts, dependencies } = JSON.parse(
      readFileSync(
        join(await packed.project({}, []), 'node_modules/oauth-module/package.json'),
        'utf8',
      ),
    )
    expect(
      Object.keys(scripts).filter((name) =>
        /^(?:pre|post)?install$|^(?:pre|post)?prepare$/.test(name),
      ),
    ).toEqual([])
    const { output } = await run('.', 'npm', ['ls', '--omit=dev', '--all', '--parseable'])
    const packages = output
      .split('\n')
      .filter((line) => line.includes('/node_modules/'))
      .map((line) => line.replace(/.*\/node_modules\//, ''))
    expect(packages.sort()).toEqual([...runtime].sort())
    expect(Object.keys(dependencies)).toHaveLength(4)
  })

  test('keeps the types of openid-client and jose out of its declarations', async () => {
    const folder = join(await packed.project({}, []), 'node_modules/oauth-module')
    const declarations = (await packed.files()).filter((file) => /\.d\.c?ts$/.test(file))
    expect(declarations.length).toBeGreaterThanOrEqual(6)
    for (const file of declarations) {
      expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(
        /(?:from |import\()['"](?:openid-client|oauth4webapi|jose|lru-cache|cookie|oidc-provider|koa)['"]/,
      )
    }
  })

  test('satisfies publint', async () => {
    const { code, output } = await run('.', join(binaries, 'publint'), ['--strict', packed.tarball])
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining('All good!'),
    })
  })

  test('satisfies attw', async () => {
    const args = [
      packed.tarball,
      '--profile',
      'node16',
      '--no-definitely-typed',
      '--format',
      'ascii',
      '--no-color',
    ]
    const { code, output } = await run('.', join(binaries, 'attw'), args)
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining('oauth-module/express-user'),
    })
  })
})

describe('an app in JavaScript', () => {
  const links = [...runtime, 'express']

  test('imports it by name and by default', async () => {
    const head =
      "import express from 'express'\nimport byDefault, { oauthModule, oidcProvider, memoryStore } from 'oauth-module'\nimport 'oauth-module/express-user'\nimport { devProvider } from 'oauth-module/dev'\n"
    const folder = await packed.project(
      {
        'package.json': esm,
        'app.js': `${head}console.log(byDefault === oauthModule, typeof devProvider)\n${plainApp}`,
      },
      links,
    )
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'true function\nanswered 401\n',
    })
  })

  test('requires it as a function with the other names as properties', async () => {
    const head =
      "const express = require('express')\nconst oauthModule = require('oauth-module')\nconst { oidcProvider, memoryStore } = oauthModule\nrequire('oauth-module/express-user')\nconst { devProvider } = require('oauth-module/dev')\n"
    const facts =
      'console.log(typeof oauthModule, oauthModule === oauthModule.oauthModule, oauthModule === oauthModule.default, typeof devProvider)'
    const folder = await packed.project(
      { 'package.json': cjs, 'app.js': `${head}${facts}\n${plainApp}` },
      links,
    )
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'function true true function\nanswered 401\n',
    })
  })

  test('requires it where require() of ES modules is disabled', async () => {
    const folder = await packed.project(
      { 'package.json': cjs, 'app.js': "console.log(typeof require('oauth-module'))" },
      ['cookie', 'lru-cache'],
    )
    expect(
      await run(folder, process.execPath, ['--no-experimental-require-module', 'app.js']),
    ).toEqual({ code: 0, output: 'function\n' })
  })
})

describe('importing', () => {
  const gate =
    "oauthModule({ provider: { acme: oidcProvider({ issuer: 'https://id.example', clientId: 'a', clientSecret: 'b' }) }, secret: 'x'.repeat(32), logger: { debug() {}, info() {}, warn() {}, error() {} } })"
  const loaded =
    'console.log(Object.keys(require.cache).flatMap((file) => /oauth-module.dist.([\\w-]+)\\.cjs$/.exec(file)?.[1] ?? []).sort().join())'

  test('loads the code of a gate when one is created, and that of options when they are set', async () => {
    const text = `const { oauthModule, oidcProvider } = require('oauth-module')\n${loaded}\n${gate}\n${loaded}`
    const folder = await packed.project({ 'package.json': cjs, 'app.js': text }, [
      'cookie',
      'lru-cache',
    ])
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'core,index\ncore,gate,index\n',
    })
  })

  test('gives import and require the same values, also those of the subpaths', async () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object }
    const paths = Object.keys(exports).filter((path) => !/json$|^.\/(?:client|dev)$/.test(path))
    const text = `
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      for (const path of ${JSON.stringify(paths)}) {
        const name = path.replace('.', 'oauth-module')
        const [imported, required] = [await import(name), require(name)]
        const differences = Object.keys(required).filter((key) => imported[key] !== required[key])
        console.log(path, Object.keys(required).length === Object.keys(imported).length, differences.join())
      }`
    const folder = await packed.project({ 'package.json': esm, 'app.js': text }, [
      'cookie',
      'lru-cache',
    ])
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: ['.', './admin', './express-user', './import', './redis', './testing']
        .map((path) => `${path} true \n`)
        .join(''),
    })
  })

  test('loads neither openid-client nor jose: an import works without them', async () => {
    const files = {
      'package.json': esm,
      'app.js': "import { oauthModule } from 'oauth-module'\nconsole.log(typeof oauthModule)",
    }
    const folder = await packed.project(files, ['cookie', 'lru-cache'])
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'function\n',
    })
  })

  test('does not evaluate them in the CommonJS bundle either', async () => {
    const text = `
      let looks = 0
      Object.defineProperty(globalThis, 'navigator', { get: () => void looks++, configurable: true })
      const { oauthModule, oidcProvider } = require('oauth-module')
      const acme = oidcProvider({ issuer: 'http://127.0.0.1:1', clientId: 'a', clientSecret: 'b' })
      const logger = { debug() {}, info() {}, warn() {}, error() {} }
      const auth = oauthModule({ provider: { acme }, logger, secret: 'a secret of thirty-two characters or more' })
      const before = looks
      auth.ready().catch(() => console.log(before, looks > 0))`
    const folder = await packed.project({ 'package.json': cjs, 'app.js': text }, [
      'cookie',
      'lru-cache',
    ])
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({ code: 0, output: '0 true\n' })
  })
})

describe('the copy of openid-client and jose, for plain Jest and bundles', () => {
  const app = (more: string) => `
    import { createRequire } from 'node:module'
    import { createServer } from 'node:http'
    import { load, login } from ${JSON.stringify(join(process.cwd(), 'bench/client.js'))}
    import { startProvider } from ${JSON.stringify(join(process.cwd(), 'bench/provider.js'))}
    const { oauthModule, oidcProvider } = createRequire(import.meta.url)('oauth-module')
    const provider = await startProvider()
    const auth = oauthModule({
      provider: { acme: oidcProvider({ issuer: provider.issuer, clientId: 'bench', clientSecret: 'bench secret' }) },
      secret: 'a secret of thirty-two characters or more',
      logger: { debug() {}, info() {}, warn: console.warn, error: console.error },
    })
    const server = createServer((req, res) => auth(req, res, () => res.end(req.oauth.user.id))).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address()
    const Cookie = await login('http://localhost:' + port + '/')
    await load({ port, headers: { Accept: 'text/html', Cookie }, status: 200, count: 1 })
    console.log('signed in')
    ${more}
    process.exit()`

  test('signs users in where the packages are not installed', async () => {
    const folder = await packed.project({ 'package.json': esm, 'app.js': app('') }, [
      'cookie',
      'lru-cache',
    ])
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'signed in\n',
    })
  })

  test('is not loaded where they are', async () => {
    const more =
      "console.log(Object.keys(createRequire(import.meta.url).cache).filter((file) => file.endsWith('libraries.cjs')).length)"
    const folder = await packed.project({ 'package.json': esm, 'app.js': app(more) }, runtime)
    expect(await run(folder, process.execPath, ['app.js'])).toEqual({
      code: 0,
      output: 'signed in\n0\n',
    })
  })
})

describe('an app in TypeScript, every declaration checked', () => {
  const imports = "import express from 'express'\nimport type { AddressInfo } from 'node:net'\n"

  test('compiles and runs as ES modules', async () => {
    const head = `${imports}import oauthModule, { memoryStore, oidcProvider, type OAuthUser } from 'oauth-module'\nconst nameOf = ({ name }: OAuthUser) => name\nvoid nameOf\n`
    const folder = await packed.project(
      { 'package.json': esm, 'tsconfig.json': tsconfig(), 'app.ts': head + app },
      [...runtime, ...types],
    )
    expect(await compile(folder)).toBe('')
    expect(await run(folder, process.execPath, ['out/app.js'])).toEqual({
      code: 0,
      output: 'answered 401\n',
    })
  })

  test('compiles and runs as CommonJS, where require() gives the function', async () => {
    const head = `${imports}import oauthModule = require('oauth-module')\nimport byDefault, { memoryStore, oidcProvider, type OAuthUser } from 'oauth-module'\nconst nameOf = ({ name }: OAuthUser) => name\nvoid nameOf\nconsole.log(byDefault === oauthModule)\n`
    const folder = await packed.project(
      { 'package.json': cjs, 'tsconfig.json': tsconfig(), 'app.ts': head + app },
      [...runtime, ...types],
    )
    expect(await compile(folder)).toBe('')
    expect(await run(folder, process.execPath, ['out/app.js'])).toEqual({
      code: 0,
      output: 'true\nanswered 401\n',
    })
  })

  test('B12: compiles with moduleResolution node10, also every subpath', async () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object }
    const subpaths = Object.keys(exports)
      .filter((path) => path !== '.' && path !== './package.json')
      .map((path) => path.slice(1))
    const imports = ['', ...subpaths].map((path) => `import 'oauth-module${path}'`).join('\n')
    const names = `import oauthModule from 'oauth-module'
import { adminRouter } from 'oauth-module/admin'
import { fromOAuth2Proxy, type ImportResult } from 'oauth-module/import'
import { redisStore } from 'oauth-module/redis'
import { signIn, storeContract } from 'oauth-module/testing'
import { devProvider } from 'oauth-module/dev'
import type { Request } from 'express'
export const all = [oauthModule, redisStore, storeContract, devProvider]
export const admin = adminRouter({ 'main/app': oauthModule({ provider: 'dev' }) }, { tokens: { deploy: 'x'.repeat(32) } })
export const imported: ImportResult = fromOAuth2Proxy({ email_domains: '*' })
export const cookie = signIn('http://localhost', oauthModule({ provider: 'dev' }), { id: '1' })
export const key = ({ user }: Request): string | undefined => user?.key
export const id = ({ oauth }: Request): string => (oauth.isAuthenticated ? oauth.user.id : oauth.reason)
// @ts-expect-error a request may be unauthenticated
export const wrong = ({ oauth }: Request): string => oauth.user.id
`
    const options = { module: 'commonjs', moduleResolution: 'node10', skipLibCheck: true }
    const files = {
      'package.json': cjs,
      'tsconfig.json': tsconfig({ ...options, ignoreDeprecations: '5.0' }),
      'app.ts': imports + '\n' + names,
    }
    expect(await compile(await packed.project(files, types))).toBe('')
  })

  test('types req.user as our user together with the types of passport', async () => {
    const text = `${imports}import 'passport'\nimport 'oauth-module/express-user'\nimport { memoryStore, oauthModule, oidcProvider, type OAuthUser } from 'oauth-module'
      express().get('/', (req, res) => {
        const user: OAuthUser | undefined = req.user
        // @ts-expect-error the request may be unauthenticated
        res.send(req.user.name)
        res.send(user?.key)
      })\n${app}`
    const config = tsconfig({ types: ['node', 'passport'], noEmit: true })
    const folder = await packed.project(
      { 'package.json': esm, 'tsconfig.json': config, 'app.ts': text },
      [...runtime, ...types, '@types/passport'],
    )
    expect(await compile(folder)).toBe('')
  })

  test('does not type req.user without express-user, and rejects a wrong built-in option', async () => {
    const text = `${imports}import { oauthModule } from 'oauth-module'
      // @ts-expect-error a misspelt option
      express().use(oauthModule({ provider: { github: { clientId: 'a', clientSecret: 'b', organisations: ['acme'] } } }))
      // @ts-expect-error not typed by us
      express().get('/', (req) => void req.user)`
    const config = tsconfig({ noEmit: true, skipLibCheck: true })
    const folder = await packed.project(
      { 'package.json': esm, 'tsconfig.json': config, 'app.ts': text },
      [...runtime, ...types],
    )
    expect(await compile(folder)).toBe('')
  })
})

describe('the tests of an app', () => {
  test('run in Jest without configuration, up to the login redirect', async () => {
    const text = `
      const http = require('node:http')
      const { oauthModule, oidcProvider } = require('oauth-module')
      const { devProvider } = require('oauth-module/dev')
      test('sends visitors to the login', async () => {
        const { issuer, clientId, clientSecret, close } = await devProvider()
        const logger = { debug() {}, info() {}, warn() {}, error() {} }
        const auth = oauthModule({ provider: { dev: oidcProvider({ issuer, clientId, clientSecret }) }, secret: 'x'.repeat(32), logger })
        const server = http.createServer((req, res) => auth(req, res, () => res.end('in'))).listen(0, '127.0.0.1')
        await new Promise((resolve) => server.once('listening', resolve))
        const answer = await new Promise((resolve) => http.get({ port: server.address().port, host: '127.0.0.1' }, resolve))
        answer.resume()
        expect(answer.statusCode).toBe(302)
        expect(answer.headers.location.startsWith(issuer)).toBe(true)
        server.close()
        await auth.close()
        await close()
      })`
    const folder = await packed.project({ 'package.json': cjs, 'app.test.js': text }, [
      ...runtime,
      'jest',
    ])
    const { code, output } = await run(folder, process.execPath, [
      join(binaries, 'jest'),
      '--rootDir',
      folder,
    ])
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('1 passed') })
  })
})
