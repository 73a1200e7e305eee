import { error, note, type Problem, warning } from './finding.js'

/** The fields of the reply of `INFO`. */
export type RedisInfo = ReadonlyMap<string, string>

/** Parses the reply of `INFO`: lines `name:value`, and headings. */
export function parseInfo(reply: string): RedisInfo {
  return new Map(
    reply.split('\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 1 || line.startsWith('#')
        ? []
        : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const]
    }),
  )
}

/** Settings of a Redis server with which sessions get lost, or cannot be written. */
export function settingsProblems(info: RedisInfo): Problem[] {
  return [
    versionProblem(info),
    roleProblem(info),
    memoryPolicyProblem(info),
    fullMemoryProblem(info),
    persistenceProblem(info),
  ].filter((one) => one !== undefined)
}

/** Scripts that write after reading the time need Redis 5. */
function versionProblem(info: RedisInfo): Problem | undefined {
  const version = info.get('redis_version') ?? ''
  const major = Number(version.split('.', 1)[0])
  if (!Number.isInteger(major) || version === '') return undefined
  if (major < 5)
    return error(
      'redis_too_old',
      `Redis ${version} is too old for the scripts of the session store`,
      'install Redis 6.2 or later',
    )
  return major < 6
    ? warning(
        'redis_too_old',
        `Redis ${version} no longer gets security fixes`,
        'install Redis 6.2 or later',
      )
    : undefined
}

function roleProblem(info: RedisInfo): Problem | undefined {
  if (info.get('cluster_enabled') === '1')
    return error(
      'redis_cluster',
      'this Redis is a node of a cluster, which has only a part of the keys',
      'use a Redis without cluster mode with the command, or redisStore() with createCluster() in your own app',
    )
  return info.get('role') === 'slave'
    ? error(
        'redis_replica',
        'this Redis is a replica, which rejects writes: no one can sign in',
        'set store to the address of the master',
      )
    : undefined
}

function memoryPolicyProblem(info: RedisInfo): Problem | undefined {
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  const hasLimit = Number(info.get('maxmemory') ?? '0') > 0
  if (!hasLimit || policy === 'noeviction') return undefined
  if (policy.startsWith('allkeys-'))
    return error(
      'redis_evicts',
      `when the memory of this Redis is full, it deletes any key (maxmemory-policy ${policy}): sessions end at random, and revoked ones may be forgotten`,
      'set maxmemory-policy to noeviction, in a Redis that is not used as a cache',
    )
  return warning(
    'redis_evicts',
    `when the memory of this Redis is full, it deletes keys that expire (maxmemory-policy ${policy}): all sessions do, so that some end early`,
    'set maxmemory-policy to noeviction, unless you would rather end sessions than reject logins',
  )
}

const FULL = 0.9

function fullMemoryProblem(info: RedisInfo): Problem | undefined {
  const [used, limit] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))]
  if (!(limit > 0) || !(used / limit > FULL)) return undefined
  return warning(
    'redis_nearly_full',
    `this Redis uses ${Math.round((used / limit) * 100)} % of the memory that it may use`,
    'raise maxmemory, or shorten sessions with maximumDuration and inactivityTimeout',
  )
}

function persistenceProblem(info: RedisInfo): Problem | undefined {
  return info.get('aof_enabled') === '0'
    ? note(
        'redis_not_durable',
        'this Redis does not write every change to disk (appendonly no): when it restarts, recent or all users must sign in again',
        'set appendonly yes if that matters to you',
      )
    : undefined
}
