import type { StoredChange, StoredConnection } from '../../options/stored-change.js'
import type { ProviderSetup } from '../../providers/define-provider.js'
import type { Administration } from '../administration.js'
import type { AdminRequest } from '../api.js'
import type { AuditLog } from '../audit-log.js'
import { changeConfiguration, currentConfiguration, warningsOf } from '../configuration-changes.js'
import { differences } from '../differences.js'
import { AdminError } from '../errors.js'
import { etagOf } from '../etag.js'
import { oauth2ProvidersOf } from '../gate-options.js'
import type { NamedGate } from '../options.js'
import { Reply } from '../reply.js'
import { changeConnection, isSameClient } from './connection-change.js'
import { connectionField } from './connection-fields.js'
import { endSessions } from './end-sessions.js'
import { connectionOf, connectionView, secretConnectionView } from './stored-connection.js'

/** What {@link Connections} depends on. */
export interface ConnectionsDeps {
  readonly gates: readonly NamedGate[]
  readonly administration: Administration
  readonly auditLog: AuditLog
  readonly historyMs: number
}

/** A connection: a provider of a gate that `oauth2Provider()` has created. */
interface Connection {
  readonly gate: NamedGate
  readonly name: string
  readonly id: string
  /** The provider of the code. */
  readonly setup: ProviderSetup
}

/** The options in Auth0's format, by those of a provider. */
const FIELDS: Readonly<Record<string, string>> = {
  displayName: 'display_name',
  clientId: 'options.client_id',
  clientSecret: 'options.client_secret',
  authorizationUrl: 'options.authorizationURL',
  tokenUrl: 'options.tokenURL',
  scopes: 'options.scope',
  iconUrl: 'options.icon_url',
  authorizationParams: 'options.authParams',
  authorizationParamsMap: 'options.authParamsMap',
  tokenHeaders: 'options.customHeaders',
}

const SCRIPTS_BELONG =
  'Scripts are not run: pass the function fetchUserProfile to oauth2Provider() in the code of the app.'
const CLIENTS_BELONG =
  'There are no clients to enable: the code of an app states which providers it has.'

/** The connections of all gates, in Auth0's format. */
export class Connections {
  readonly #deps: ConnectionsDeps

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps
  }

  /** `GET /api/v2/connections` */
  async list(): Promise<object> {
    const connections = this.#deps.gates.flatMap(connectionsOf)
    return Promise.all(connections.map(async (one) => (await read(one)).view))
  }

  /** `GET /api/v2/connections/{id}` */
  async get(request: AdminRequest): Promise<Reply> {
    const { view, etag } = await read(this.#find(request))
    return new Reply(view, { ETag: etag })
  }

  /** `PATCH /api/v2/connections/{id}` */
  async change(request: AdminRequest): Promise<Reply> {
    const connection = this.#find(request)
    const body = connectionField.read(await request.body(), '')
    const { display_name, options, enabled_clients = false } = body ?? {}
    const ignored = [
      ...(options?.scripts === true ? ['options.scripts'] : []),
      ...(enabled_clients ? ['enabled_clients'] : []),
    ]
    checkIgnored(ignored, connection.setup)
    if (display_name === undefined && options === undefined) {
      const { view, etag } = await read(connection)
      return new Reply({ ...view, ignored, x_warnings: [] }, { ETag: etag })
    }
    const { after, etag, ended } = await this.#replace(request, connection, (current) =>
      changeConnection({ display_name, options }, current),
    )
    const x_warnings = [
      ...(ended > 0 ? [`Sessions of this connection that have ended: ${ended}.`] : []),
      ...warningsOf(connection.gate),
    ]
    const view = connectionView(connection, after)
    return new Reply({ ...view, ignored, x_warnings }, { ETag: etag })
  }

  async #replace(
    { tokenName, origin, ifMatch }: AdminRequest,
    connection: Connection,
    update: (current: StoredConnection) => StoredConnection,
  ): Promise<{
    readonly after: StoredConnection
    readonly etag: string
    readonly ended: number
  }> {
    const { gate, name, id } = connection
    const states: { readonly before: StoredConnection; readonly after: StoredConnection }[] = []
    const { auditLog, administration } = this.#deps
    const { version, changedAt } = await changeConfiguration({
      gate,
      auditLog,
      action: 'change_connection',
      resource: { connection: id },
      changedBy: tokenName,
      origin,
      ifMatch,
      historyMs: this.#deps.historyMs,
      fieldOf: (option) => fieldOf(option, name),
      update: (change) => {
        const before = currentOf(connection, change)
        const after = update(before)
        states.push({ before, after })
        return { ...change, connections: { ...change?.connections, [name]: after } }
      },
    })
    const state = states.at(-1)
    if (state === undefined) throw new Error('the configuration was not changed')
    const { before, after } = state
    await auditLog.record({
      actor: { tokenName },
      action: 'change_connection',
      resource: { connection: id, version: String(version) },
      changes: differences(secretConnectionView(before), secretConnectionView(after)),
      origin,
    })
    const ended = isSameClient(before, after)
      ? 0
      : await endSessions(administration, { gate, provider: name, until: changedAt })
    return { after, ended, etag: etagOf({ ...gate.access.configuration, version }) }
  }

  #find({ params }: AdminRequest): Connection {
    const id = params.join('.').replaceAll('/', '.')
    const found = this.#deps.gates.flatMap(connectionsOf).find((one) => one.id === id)
    if (found === undefined) throw new AdminError('not_found')
    return found
  }
}

/** Neither the edge, nor the route, nor a name contains a dot. */
function connectionsOf(gate: NamedGate): readonly Connection[] {
  const { edge, route, access } = gate
  return [...oauth2ProvidersOf(access.configuration.codeOptions)].map(([name, setup]) => ({
    gate,
    name,
    id: `${edge}.${route}.${name}`,
    setup,
  }))
}

async function read(connection: Connection) {
  const { change, options, etag } = await currentConfiguration(connection.gate)
  const setup = oauth2ProvidersOf(options).get(connection.name) ?? connection.setup
  const view = connectionView(connection, currentOf({ ...connection, setup }, change))
  return { view, etag }
}

function currentOf(
  { name, setup }: Connection,
  change: StoredChange | undefined,
): StoredConnection {
  const { connections = {} } = change ?? {}
  return (Object.hasOwn(connections, name) ? connections[name] : undefined) ?? connectionOf(setup)
}

/** What code must supply is ignored only if it does: nothing that restricts may get lost. */
function checkIgnored(ignored: readonly string[], { options }: ProviderSetup): void {
  const [field] = ignored
  if (field === undefined || Reflect.get(options, 'fetchUserProfile') !== undefined) return
  const message = field === 'enabled_clients' ? CLIENTS_BELONG : SCRIPTS_BELONG
  throw new AdminError('belongs_in_code', { field, message })
}

function fieldOf(option: string, name: string): string {
  const below = option.replace(`provider.${name}.`, '')
  const [first = ''] = below.split(/[.[]/, 1)
  return (FIELDS[first] ?? first) + below.slice(first.length)
}
