import type { Logger } from '../../options/options.js'
import type { GatewayRequest } from './messages.js'

/** Where the lines of requests go. */
export interface RequestLog {
  readonly logger: Logger
  /** Whether there is a line for each request. */
  readonly logsRequests: boolean
}

const MAX_PATH_LENGTH = 2048

/** The facts of one request. Neither a query nor a header, which may contain secrets. */
export function logRequest(
  { logger, logsRequests }: RequestLog,
  req: GatewayRequest,
  status: number,
  startedAt: number,
  isAborted: boolean,
): void {
  if (!logsRequests) return
  // The admin API sees its own paths in `url`.
  const url = req.originalUrl ?? req.url ?? ''
  const mark = url.search(/[?#]/)
  logger.info('request', {
    method: req.method,
    path: url.slice(0, Math.min(mark === -1 ? url.length : mark, MAX_PATH_LENGTH)),
    status,
    durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
    address: req.ip,
    user: req.oauth?.user?.key,
    aborted: isAborted || undefined,
  })
}
