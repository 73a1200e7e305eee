import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { checkRedis } from '../../src/command/doctor/redis-check.js'
import { operationProblem } from '../../src/command/doctor/redis-problems.js'
import { STORE_COMMANDS } from '../../src/command/doctor/redis-permissions.js'
import { parseInfo, settingsProblems } from '../../src/command/doctor/redis-settings.js'
import { checkStore } from '../../src/command/doctor/store-check.js'
import type { Problem } from '../../src/command/doctor/finding.js'
import { freePorts } from '../support/programs.js'
import { type RedisServer, startRedis } from '../support/redis.js'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.close())

const defaults = {
  maxmemory: '0',
  'maxmemory-policy': 'noeviction',
  requirepass: '',
  'min-replicas-to-write': '0',
}

const cli = (...args: string[]) => redis.command(...args)

afterEach(async () => {
  for (const [name, value] of Object.entries(defaults)) await cli('config', 'set', name, value)
})

async function check(user = ''): Promise<Problem[]> {
  const found = await checkStore(`redis://${user}127.0.0.1:${redis.port}`, {})
  return found.filter(({ severity }) => severity !== 'note')
}

const codes = (problems: readonly Problem[]) =>
  problems.map(({ severity, code }) => `${severity} ${code}`)

describe('a healthy Redis', () => {
  test('yields nothing but a note on persistence, and keeps no key of the doctor', async () => {
    const found = await checkStore(`redis://127.0.0.1:${redis.port}`, {})
    expect(codes(found)).toEqual(['note redis_not_durable'])
    expect(await cli('keys', '*')).toBe('')
  })

  test('with a user that has exactly the documented rights', async () => {
    const rules = ['~oauth-module:*', ...STORE_COMMANDS.map((name) => `+${name.toLowerCase()}`)]
    await cli('acl', 'setuser', 'gate', 'on', '>the-password', ...rules)
    const found = await checkStore(`redis://gate:the-password@127.0.0.1:${redis.port}`, {})
    expect(codes(found)).toEqual(['note redis_info_denied'])
  })
})

describe('a Redis', () => {
  test('where nothing listens', async () => {
    const [port] = await freePorts(1)
    const found = await checkRedis(new URL(`redis://127.0.0.1:${port}`))
    expect(codes(found)).toEqual(['error connection_refused'])
    expect(found[0]?.problem).toContain(`127.0.0.1:${port}`)
  })

  test('that does not exist in DNS', async () => {
    const found = await checkRedis(new URL('redis://redis.invalid:6379'))
    expect(found[0]?.code).toMatch(/^(?:host_unknown|dns_unavailable)$/)
  })

  test('that requires a password', async () => {
    await cli('config', 'set', 'requirepass', 'the-password')
    const missing = await check()
    const wrong = await check(':another-password@')
    const right = await check(':the-password@')
    await cli('-a', 'the-password', 'config', 'set', 'requirepass', '')
    expect(codes(missing)).toEqual(['error redis_password_missing'])
    expect(codes(wrong)).toEqual(['error redis_password_wrong'])
    expect(codes(right)).toEqual([])
    expect(JSON.stringify(wrong)).not.toContain('another-password')
  })

  test('whose user may not use all commands', async () => {
    await cli(
      'acl',
      'setuser',
      'lacking',
      'on',
      '>pw',
      '~oauth-module:*',
      '+@all',
      '-zadd',
      '-evalsha',
    )
    const found = await check('lacking:pw@')
    expect(codes(found)).toEqual(['error redis_permissions'])
    expect(found[0]?.problem).toContain('may not use EVALSHA, ZADD, which')
    expect(found[0]?.fix).toContain('~oauth-module:* +get +eval +evalsha')
  })

  test('whose user may not use the keys', async () => {
    await cli('acl', 'setuser', 'other', 'on', '>pw', '~app:*', '+@all')
    const found = await check('other:pw@')
    expect(codes(found)).toEqual(['error redis_permissions'])
    expect(found[0]?.problem).toContain('keys that start with oauth-module:')
  })

  test('that evicts any key when it is full', async () => {
    await cli('config', 'set', 'maxmemory', '500mb')
    await cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect(codes(await check())).toEqual(['error redis_evicts'])
    await cli('config', 'set', 'maxmemory-policy', 'volatile-ttl')
    expect(codes(await check())).toEqual(['warning redis_evicts'])
    await cli('config', 'set', 'maxmemory', '0')
    expect(codes(await check())).toEqual([])
  })

  test('that is full', async () => {
    await cli('config', 'set', 'maxmemory', '100kb')
    expect(codes(await check())).toEqual(['error redis_full', 'warning redis_nearly_full'])
  })

  test('that lacks its replicas', async () => {
    await cli('config', 'set', 'min-replicas-to-write', '1')
    expect(codes(await check())).toEqual(['error redis_no_replicas'])
  })

  test('that is a replica', async () => {
    const [port] = await freePorts(1)
    await cli('replicaof', '127.0.0.1', String(port))
    expect(codes(await check())).toEqual(['error redis_replica'])
    await cli('replicaof', 'no', 'one')
  })

  test('that is a node of a cluster', async () => {
    const [port = 0, bus = 0] = await freePorts(2)
    const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(bus)]
    const node = await startRedis(settings, port)
    const found = await checkRedis(new URL(`redis://127.0.0.1:${port}`))
    await node.close()
    expect(codes(found)).toContain('error redis_cluster')
  })

  test('that does not speak TLS', async () => {
    const found = await checkRedis(new URL(`rediss://127.0.0.1:${redis.port}`), 500)
    expect(codes(found)).toEqual(['error no_connection'])
    expect(found[0]?.fix).toContain('redis:// instead of rediss://')
  })

  test('that accepts connections and never responds', async () => {
    const sockets = new Set<Socket>()
    const server: Server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const found = await checkRedis(new URL(`redis://127.0.0.1:${port}`), 300)
    for (const socket of sockets) socket.destroy()
    server.close()
    expect(codes(found)).toEqual(['error no_connection'])
  })

  test.each([
    ['MISCONF Redis is configured to save RDB snapshots, but …', 'redis_cannot_save'],
    ['READONLY You can not write against a read only replica.', 'redis_replica'],
    ['MOVED 3999 127.0.0.1:6381', 'redis_cluster'],
    ['ERR something else', 'redis_fails'],
  ])('that responds with: %s', (message, code) => {
    expect(codes([operationProblem(new Error(message))])).toEqual([`error ${code}`])
  })

  test('whose role shows before anything is written', () => {
    const of = (line: string) => codes(settingsProblems(parseInfo(`${line}\r\n`)))
    expect(of('role:slave')).toEqual(['error redis_replica'])
    expect(of('cluster_enabled:1')).toEqual(['error redis_cluster'])
    expect(of('role:master')).toEqual([])
  })

  test('that is too old', () => {
    const version = (number: string) =>
      codes(settingsProblems(parseInfo(`# Server\r\nredis_version:${number}\r\n`)))
    expect(version('3.2.12')).toEqual(['error redis_too_old'])
    expect(version('5.0.14')).toEqual(['warning redis_too_old'])
    expect(version('7.0.15')).toEqual([])
  })
})

describe('the memory store', () => {
  test('is fine for one process in development', async () => {
    expect(await checkStore(undefined, {})).toEqual([])
    expect(await checkStore('memory', { NODE_ENV: 'development' })).toEqual([])
    expect(await checkStore('cookie', { NODE_ENV: 'production' })).toEqual([])
  })

  test('is a warning in production, and with several processes', async () => {
    expect(codes(await checkStore('memory', { NODE_ENV: 'production' }))).toEqual([
      'warning memory_in_production',
    ])
    expect(codes(await checkStore('memory', { WEB_CONCURRENCY: '4' }))).toEqual([
      'warning memory_not_shared',
    ])
    expect(codes(await checkStore(undefined, { WEB_CONCURRENCY: '1' }))).toEqual([])
  })
})
