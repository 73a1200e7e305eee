import type { ServerResponse } from 'node:http'
import { hasTenants, isGithubActions, issuerOfTenant } from '../bearer/issuers.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isSafeMountPath, isSamePath, isUnderPath, readTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import { type Headers, sendJson } from '../http/response.js'
import type { Config } from '../options/config.js'
import { type Next, type Outcome, RESPONDED } from './outcome.js'
import type { RequestEvents } from './request-events.js'

/** RFC 9728, 3 */
const METADATA_PATH = '/.well-known/oauth-protected-resource'
const METHODS = ['GET', 'HEAD', 'OPTIONS']
/** Pages of other origins may read it: clients run in browsers, too. */
const CORS: Headers = {
  'Access-Control-Allow-Origin': '*',
  'Cross-Origin-Resource-Policy': 'cross-origin',
}
const PREFLIGHT: Headers = {
  'Access-Control-Allow-Methods': METHODS.join(', '),
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Max-Age': '86400',
}

/** What {@link ResourceMetadata} depends on. */
export interface ResourceMetadataDeps {
  readonly bearer: NonNullable<Config['bearer']>
  readonly config: Pick<Config, 'baseUrl' | 'branding'>
  readonly mounts: Mounts
  readonly requestEvents: RequestEvents
}

/** How clients find the authorization servers of the app. (RFC 9728) */
export class ResourceMetadata {
  readonly #deps: ResourceMetadataDeps
  readonly #authorizationServers: readonly string[]
  /** The configured resource. */
  readonly #resource: string | undefined

  constructor(deps: ResourceMetadataDeps) {
    const { bearer, config } = deps
    this.#deps = deps
    this.#resource = bearer.resource ?? (config.baseUrl && urlOf(config.baseUrl))
    const issuers = bearer.issuers.map(({ issuer }) => issuer)
    this.#authorizationServers = [
      ...new Set(
        issuers
          .filter((issuer) => !isGithubActions(issuer))
          .map((issuer) => (hasTenants(issuer) ? issuerOfTenant(issuer, 'organizations') : issuer)),
      ),
    ]
  }

  /** Whether clients can sign in to get a token: not if all issuers are those of CI jobs. */
  get hasAuthorizationServers(): boolean {
    return this.#authorizationServers.length > 0
  }

  /** Whether the gate responds to this path itself: only at the root is it where clients look. */
  includes({ target: { mountPath, path } }: IncomingGateRequest): boolean {
    return mountPath === '' && this.isMetadataPath(path)
  }

  /** Whether the path, in any spelling, is one of the metadata. */
  isMetadataPath(path: string): boolean {
    return isSamePath(path, METADATA_PATH) || isUnderPath(path, METADATA_PATH)
  }

  /** The URL of the metadata, for challenges; `undefined` without a valid `Host`. */
  urlOf({ req, mount }: IncomingGateRequest): string | undefined {
    const origin = this.#deps.mounts.publicOrigin(req)
    const resource = this.#resource ?? (origin && `${origin}${mount.publicPath}`)
    return resource === undefined ? undefined : metadataUrl(resource)
  }

  /** Responds at the root, also for a resource with a path. Throws for any other path. */
  respond(request: GateRequest): Outcome {
    const { req, res, mount, target } = request
    const { mounts, requestEvents } = this.#deps
    requestEvents.block(req, 'oauth-protected-resource')
    const resource = this.#resource ?? `${mounts.origin(req)}${mount.publicPath}`
    const path = target.path.slice(METADATA_PATH.length)
    if (path !== '' && path !== pathOf(resource)) throw new OAuthError('not_found')
    if (!METHODS.includes(req.method ?? '')) {
      res.setHeader('Allow', METHODS.join(', '))
      throw new OAuthError('method_not_allowed')
    }
    this.#send(req, res, resource)
    return RESPONDED
  }

  /**
   * Responds elsewhere than at the gate, for a gate with a path. Returns whether it has responded:
   * other requests belong to the app.
   */
  handle(req: AppRequest, res: ServerResponse): boolean {
    const [path = ''] = readTarget(req).original.split('?', 1)
    if (path !== METADATA_PATH && !path.startsWith(`${METADATA_PATH}/`)) return false
    const resourcePath = path.slice(METADATA_PATH.length)
    const resource = this.#resource ?? this.#resourceAt(req, resourcePath)
    if (resource === undefined || resourcePath !== pathOf(resource)) return false
    if (!METHODS.includes(req.method ?? '')) return false
    this.#send(req, res, resource)
    return true
  }

  /** Without `resource` and `baseUrl`, only the request shows where the gate is mounted. */
  #resourceAt(req: AppRequest, path: string): string | undefined {
    const origin = this.#deps.mounts.publicOrigin(req)
    return origin === undefined || !isSafeMountPath(path) ? undefined : `${origin}${path}`
  }

  #send({ method }: AppRequest, res: ServerResponse, resource: string): void {
    const { appName } = this.#deps.config.branding ?? {}
    if (method === 'OPTIONS') return sendJson(res, 200, {}, { ...CORS, ...PREFLIGHT })
    const document = {
      resource,
      authorization_servers: this.#authorizationServers,
      bearer_methods_supported: ['header'],
      ...(appName !== undefined && { resource_name: appName }),
    }
    // What follows from the headers of one request must not be cached for others.
    const caching = this.#resource === undefined ? 'no-store' : 'public, max-age=300'
    sendJson(res, 200, document, { ...CORS, 'Cache-Control': caching })
  }
}

/** The URL of the metadata of a resource. (RFC 9728, 3.1) */
export function metadataUrl(resource: string): string {
  return `${new URL(resource).origin}${METADATA_PATH}${pathOf(resource)}`
}

/** `resourceMetadata()`: a handler for the root of the app. Throws a `TypeError` without `bearer`. */
export function metadataHandler(
  current: () => ResourceMetadata | undefined,
): (req: AppRequest, res: ServerResponse, next: Next) => void {
  if (current() === undefined)
    throw new TypeError(
      'resourceMetadata() needs the option bearer: it names the authorization servers',
    )
  return (req, res, next) => {
    if (current()?.handle(req, res) !== true) next()
  }
}

function urlOf({ origin, path }: { readonly origin: string; readonly path: string }): string {
  return `${origin}${path}`
}

/** The path of a resource, which the URL of its metadata continues with. (RFC 9728, 3.1) */
function pathOf(resource: string): string {
  const { pathname } = new URL(resource)
  return pathname === '/' ? '' : pathname
}
