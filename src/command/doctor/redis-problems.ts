import { quote } from '../../oauth/quote.js'
import { error, note, type Problem } from './finding.js'
import { networkProblem } from './network.js'
import { type MissingPermissions, requiredRules } from './redis-permissions.js'

const USER_FIX = 'correct the name and password in the URL, as in redis://name:password@host:6379'

/** Why there is no connection to Redis. */
export function connectionProblem(thrown: unknown, url: URL): Problem {
  const message = messageOf(thrown)
  if (message.startsWith('NOAUTH'))
    return error(
      'redis_password_missing',
      'Redis requires a password, and the URL of the store has none',
      USER_FIX,
    )
  if (message.startsWith('WRONGPASS') || /^ERR .*\bAUTH\b/.test(message))
    return error(
      'redis_password_wrong',
      'Redis rejects the name or password in the URL of the store',
      USER_FIX,
    )
  if (message.startsWith('NOPERM'))
    return error(
      'redis_permissions',
      `the Redis user may not even connect: ${quote(message, [])}`,
      'allow the user the commands of the connection with ACL SETUSER',
    )
  const scheme = url.protocol === 'rediss:' ? 'https' : 'http'
  const at = `${scheme}://${url.hostname || 'localhost'}:${url.port || '6379'}`
  const problem = networkProblem(thrown, at, { what: 'Redis', option: 'store' })
  const fix = tlsFix(problem.code, url.protocol)
  return fix === undefined ? problem : error(problem.code, problem.problem, fix)
}

/** A server that speaks TLS where the client does not, or the other way around, only hangs up. */
function tlsFix(code: string, protocol: string): string | undefined {
  if (protocol === 'rediss:' && (code === 'no_connection' || code === 'no_tls'))
    return 'if this Redis does not use TLS, write redis:// instead of rediss://; otherwise check whether it is busy or stuck'
  return protocol === 'redis:' && code === 'connection_failed'
    ? 'if this Redis requires TLS, write rediss:// instead of redis://; otherwise correct store'
    : undefined
}

/** The memory policy and the version are unknown, because the user may not read them. */
export function infoProblem(thrown: unknown): Problem {
  return note(
    'redis_info_denied',
    `the settings of Redis could not be read (${quote(messageOf(thrown), [])}): check yourself that maxmemory-policy is noeviction`,
    'allow the user +info to have the doctor check it; the store does not need it',
  )
}

/** What the Redis user may not do. */
export function permissionProblems(
  { commands, keys }: MissingPermissions,
  url: URL,
  prefix: string,
): Problem[] {
  const user = url.username === '' ? 'default' : decodeURIComponent(url.username)
  const fix = `run \`ACL SETUSER ${user}\` with the rules ${requiredRules(prefix)}`
  return [
    ...(commands.length === 0
      ? []
      : [
          error(
            'redis_permissions',
            `the Redis user ${user} may not use ${commands.join(', ')}, which the session store needs`,
            fix,
          ),
        ]),
    ...(keys
      ? [
          error(
            'redis_permissions',
            `the Redis user ${user} may not read and write the keys that start with ${prefix}`,
            fix,
          ),
        ]
      : []),
  ]
}

/** Why a session could not be written, although the connection and the permissions are right. */
export function operationProblem(thrown: unknown): Problem {
  const message = messageOf(thrown)
  const [code] = message.split(' ', 1)
  switch (code) {
    case 'OOM':
      return error(
        'redis_full',
        'the memory of Redis is full: no one can sign in',
        'raise maxmemory, or delete what else is stored there',
      )
    case 'READONLY':
      return error(
        'redis_replica',
        'this Redis is a replica, which rejects writes: no one can sign in',
        'set store to the address of the master',
      )
    case 'MISCONF':
      return error(
        'redis_cannot_save',
        'Redis rejects writes, because it could not save its data to disk',
        'look for the reason in the log of Redis: usually the disk is full or not writable',
      )
    case 'NOREPLICAS':
      return error(
        'redis_no_replicas',
        'Redis rejects writes, because fewer replicas are connected than min-replicas-to-write requires',
        'start the replicas, or lower min-replicas-to-write',
      )
    case 'MOVED':
    case 'CLUSTERDOWN':
      return error(
        'redis_cluster',
        'this Redis is a node of a cluster, which has only a part of the keys',
        'use a Redis without cluster mode with the command, or redisStore() with createCluster() in your own app',
      )
    default:
      return error(
        'redis_fails',
        `a record could not be written, changed, listed and deleted${message === '' ? '' : `: ${quote(message, [])}`}`,
        'look for the reason in the log of Redis',
      )
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : ''
}
