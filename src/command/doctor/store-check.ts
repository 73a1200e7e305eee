import cluster from 'node:cluster'
import type { Env } from '../../options/config.js'
import { certificateProblems } from './certificate.js'
import { type Problem, warning } from './finding.js'
import { unique } from './unique.js'
import { checkRedis } from './redis-check.js'

/** Whether sessions can be stored. `store` is the option as JSON: a name or a URL. */
export async function checkStore(store: unknown, env: Env): Promise<Problem[]> {
  const url = redisUrl(store)
  if (url !== undefined) {
    const certificates =
      url.protocol === 'rediss:' ? certificateProblems(httpsUrl(url), 'Redis') : []
    return unique((await Promise.all([certificates, checkRedis(url)])).flat())
  }
  return store === undefined || store === 'memory' ? memoryProblems(env) : []
}

/** The URL of a Redis server, if the option is one. */
export function redisUrl(store: unknown): URL | undefined {
  return typeof store === 'string' && /^rediss?:\/\//i.test(store) && URL.canParse(store)
    ? new URL(store)
    : undefined
}

function httpsUrl({ hostname, port }: URL): string {
  return `https://${hostname}:${port || '6379'}`
}

/** Variables with which platforms and process managers start several processes. */
const SEVERAL_PROCESSES: readonly (readonly [
  name: string,
  isSeveral: (value: string) => boolean,
])[] = [
  ['WEB_CONCURRENCY', (value) => Number(value) > 1],
  ['NODE_APP_INSTANCE', (value) => Number(value) > 0],
  ['KUBERNETES_SERVICE_HOST', (value) => value !== ''],
  ['AWS_LAMBDA_FUNCTION_NAME', (value) => value !== ''],
  ['K_SERVICE', (value) => value !== ''],
  ['DYNO', (value) => value !== ''],
]

function memoryProblems(env: Env): Problem[] {
  const several = SEVERAL_PROCESSES.find(([name, isSeveral]) => isSeveral(env[name] ?? ''))
  if (several !== undefined || cluster.isWorker)
    return [
      warning(
        'memory_not_shared',
        `sessions are stored in the memory of one process, and several may run here${several === undefined ? '' : ` (${several[0]} is set)`}: a login at one of them is unknown to the others`,
        'set store to the URL of a Redis that all processes share, as in redis://localhost:6379',
      ),
    ]
  return env['NODE_ENV'] === 'production'
    ? [
        warning(
          'memory_in_production',
          'sessions are stored in the memory of this process: all users must sign in again when it restarts',
          'set store to the URL of a Redis, as in redis://localhost:6379',
        ),
      ]
    : []
}
