import type { AdminActionEvent } from '../../middleware/admin-access.js'
import type { StoredModule } from '../../options/stored-change.js'
import type { AdminRequest } from '../api.js'
import type { AuditLog } from '../audit-log.js'
import { changeConfiguration, currentConfiguration, warningsOf } from '../configuration-changes.js'
import { differences } from '../differences.js'
import { AdminError } from '../errors.js'
import { etagOf } from '../etag.js'
import { otherProvidersOf } from '../gate-options.js'
import type { NamedGate } from '../options.js'
import { Reply } from '../reply.js'
import { type ModuleChange, changeOf } from './module-change.js'
import { moduleField, type ModuleJson, moduleRequestField } from './module-fields.js'
import { moduleOf, moduleView, secretModuleView } from './stored-module.js'

/** What {@link EdgeModules} depends on. */
export interface EdgeModulesDeps {
  readonly gates: readonly NamedGate[]
  readonly auditLog: AuditLog
  /** The option `allowDisable`. */
  readonly mayDisable: boolean
  readonly historyMs: number
}

interface GivenModule {
  readonly json: ModuleJson
  /** Path of the module in the body. */
  readonly path: '' | 'module.'
}

const DISABLED = 'The gate is disabled: every request passes without a login.'

/** The modules of edges: the configuration of gates in ngrok's format. */
export class EdgeModules {
  readonly #deps: EdgeModulesDeps

  constructor(deps: EdgeModulesDeps) {
    this.#deps = deps
  }

  /** `GET /edges/https/{edge_id}/routes/{id}/oauth` */
  async get(request: AdminRequest): Promise<Reply> {
    const gate = this.#gateOf(request)
    const { change, options, etag } = await currentConfiguration(gate)
    const view = moduleView(change?.module ?? moduleOf(options), factsOf(gate))
    return new Reply(view, { ETag: etag })
  }

  /** `PUT /edges/https/{edge_id}/routes/{id}/oauth` */
  async replace(request: AdminRequest): Promise<Reply> {
    const gate = this.#gateOf(request)
    const { json, path } = readModule(await request.body(), request)
    const { codeOptions } = gate.access.configuration
    const context = {
      path,
      codeOptions,
      cookiePrefix: gate.access.cookiePrefix,
      mayDisable: this.#deps.mayDisable,
    }
    const result = await this.#change(request, gate, path, (current) =>
      changeOf(json, current, context),
    )
    const view = moduleView(result.module, { ...factsOf(gate), warnings: result.warnings })
    return new Reply(view, { ETag: result.etag })
  }

  /** `DELETE /edges/https/{edge_id}/routes/{id}/oauth` */
  async delete(request: AdminRequest): Promise<Reply> {
    const gate = this.#gateOf(request)
    if (!this.#deps.mayDisable) throw new AdminError('disable_not_allowed')
    const { etag } = await this.#change(request, gate, '', (current) => ({
      module: { ...current, enabled: false },
      warnings: [],
    }))
    return new Reply({}, { ETag: etag })
  }

  async #change(
    { tokenName, origin, ifMatch }: AdminRequest,
    gate: NamedGate,
    path: string,
    changeModule: (current: StoredModule) => ModuleChange,
  ): Promise<ModuleChange & { readonly etag: string }> {
    const { configuration } = gate.access
    const before = moduleOf(configuration.codeOptions)
    const states: { readonly before: StoredModule; readonly after: ModuleChange }[] = []
    const { version } = await changeConfiguration({
      gate,
      auditLog: this.#deps.auditLog,
      action: 'replace_module',
      resource: { module: keyOf(gate) },
      changedBy: tokenName,
      origin,
      ifMatch,
      historyMs: this.#deps.historyMs,
      fieldOf: (option) => path + snakeCase(option),
      update: (change) => {
        const state = {
          before: change?.module ?? before,
          after: changeModule(change?.module ?? before),
        }
        states.push(state)
        return { ...change, module: state.after.module }
      },
    })
    const state = states.at(-1)
    if (state === undefined) throw new Error('the configuration was not changed')
    const warnings = [
      ...state.after.warnings,
      ...(await this.#report({ actor: { tokenName }, origin }, gate, version, state)),
    ]
    return { module: state.after.module, warnings, etag: etagOf({ ...configuration, version }) }
  }

  /** Records a change. Returns what the administrator should know about it. */
  async #report(
    by: Pick<AdminActionEvent, 'actor' | 'origin'>,
    gate: NamedGate,
    version: number,
    { before, after: { module } }: { readonly before: StoredModule; readonly after: ModuleChange },
  ): Promise<readonly string[]> {
    const { auditLog } = this.#deps
    const { access } = gate
    const resource = { module: keyOf(gate), version: String(version) }
    const changes = differences(secretModuleView(before), secretModuleView(module))
    await auditLog.record({ ...by, action: 'replace_module', resource, changes })
    const open = access.openProviders
    if (!module.enabled) await auditLog.record({ ...by, action: 'disable_gate', resource })
    else if (open.length > 0)
      await auditLog.record({
        ...by,
        action: 'open_gate',
        resource: { ...resource, providers: open.join(', ') },
      })
    const warnings = [
      ...(module.enabled ? [] : [DISABLED]),
      ...(module.enabled && open.length > 0
        ? [`Everyone who can sign in at ${open.join(', ')} may pass: no rule is set.`]
        : []),
      ...warningsOf(gate),
    ]
    for (const warning of warnings) access.logger.warn(`admin API: ${warning}`, resource)
    return warnings
  }

  #gateOf({ params: [edgeId, routeId] }: AdminRequest): NamedGate {
    const gate = this.#deps.gates.find(({ edge, route }) => edge === edgeId && route === routeId)
    if (gate === undefined) throw new AdminError('not_found')
    return gate
  }
}

/** The module of a body: the body itself, or its member `module`. */
function readModule(
  body: Readonly<Record<string, unknown>>,
  { params: [edgeId, routeId] }: AdminRequest,
): GivenModule {
  if (!Object.hasOwn(body, 'module')) {
    const json = moduleField.read(body, '')
    if (json === undefined) throw new AdminError('missing_field', { field: 'module' })
    return { json, path: '' }
  }
  const { edge_id = edgeId, id = routeId, module } = moduleRequestField.read(body, '') ?? {}
  if (edge_id !== edgeId)
    throw new AdminError('ERR_NGROK_215', { field: 'edge_id', message: DIFFERENT })
  if (id !== routeId) throw new AdminError('ERR_NGROK_215', { field: 'id', message: DIFFERENT })
  if (module === undefined) throw new AdminError('missing_field', { field: 'module' })
  return { json: module, path: 'module.' }
}

const DIFFERENT = 'The ID differs from that in the path.'

function keyOf({ edge, route }: NamedGate): string {
  return `${edge}/${route}`
}

function factsOf({ access }: NamedGate) {
  const { cookiePrefix, configuration } = access
  return { cookiePrefix, otherProviders: otherProvidersOf(configuration.codeOptions) }
}

/** The name of an option in ngrok's format. */
function snakeCase(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
