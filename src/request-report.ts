import type { ServerResponse } from 'node:http'
import type { Assembly } from './assemble.js'
import type { Events } from './events.js'
import type { AppRequest } from './http/request.js'
import type { LiveSession } from './session/sessions.js'

/** Tells `http_request_complete` when the answer is out; costs nothing while nobody listens. */
export function reportRequest(
  events: Events,
  { connections }: Assembly,
  req: AppRequest,
  res: ServerResponse,
  passedWith: () => LiveSession | undefined,
): void {
  if (!events.hasListener('http_request_complete')) return
  const startedAt = performance.now()
  const path = (req.originalUrl ?? req.url ?? '/').split('?', 1)[0] ?? '/'
  res.once('close', () => {
    const live = passedWith()
    const provider = live?.session.provider ?? (connections.size === 1 ? [...connections.keys()][0] : undefined)
    events.tell('http_request_complete', {
      oauth: {
        app_client_id: provider === undefined ? undefined : connections.get(provider)?.provider.clientId,
        decision: live === undefined ? 'block' : 'allow',
        user: { id: live?.session.user.id, name: live?.session.user.name },
      },
      method: req.method ?? '',
      path,
      status: res.statusCode,
      duration: performance.now() - startedAt,
      reason: live === undefined ? reasonOf(res) : undefined,
    })
  })
}

function reasonOf({ statusCode }: ServerResponse): string {
  return statusCode === 302 || statusCode === 303 ? 'login' : String(statusCode)
}
