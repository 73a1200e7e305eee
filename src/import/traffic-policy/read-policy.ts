import { isObject } from '../../http/json.js'
import type { ImportDraft } from '../draft.js'

/** One action of a rule. */
export interface RuleAction {
  readonly type: string
  readonly config: Readonly<Record<string, unknown>>
  /** Where it is, as in `on_http_request[0].actions[0]`. */
  readonly path: string
}

/** One rule of a traffic policy. */
export interface Rule {
  readonly path: string
  /** Whether it applies to HTTP requests, and not to connections or responses. */
  readonly isRequest: boolean
  readonly expressions: readonly string[]
  readonly actions: readonly RuleAction[]
}

/** The phases, and whether they apply to requests. `inbound` and `outbound` are older names. */
const PHASES: Readonly<Record<string, boolean>> = {
  on_http_request: true,
  inbound: true,
  on_tcp_connect: false,
  on_http_response: false,
  on_event_destination: false,
  outbound: false,
}

/** All rules of a policy in order. Reports what is unknown. */
export function readRules(
  policy: Readonly<Record<string, unknown>>,
  draft: ImportDraft,
): readonly Rule[] {
  return Object.entries(policy).flatMap(([phase, rules]) => {
    const isRequest = Object.hasOwn(PHASES, phase) ? PHASES[phase] : undefined
    if (rules === null || rules === undefined) return []
    if (phase === 'enabled' && rules === true) return []
    if (isRequest === undefined) {
      draft.cannot(phase, 'is unknown: check its spelling, or configure it by hand.')
      return []
    }
    return objectsOf(rules, phase, draft).map((rule, index) =>
      readRule(rule, `${phase}[${index}]`, isRequest, draft),
    )
  })
}

function readRule(
  rule: Readonly<Record<string, unknown>>,
  path: string,
  isRequest: boolean,
  draft: ImportDraft,
): Rule {
  const { name: _, expressions = [], actions, ...more } = rule
  for (const key of Object.keys(more))
    draft.cannot(`${path}.${key}`, 'is unknown: check its spelling, or configure it by hand.')
  const texts: readonly unknown[] = expressions === null ? [] : [expressions].flat()
  const isText = (text: unknown) => typeof text === 'string'
  if (!texts.every(isText)) draft.mistake(`${path}.expressions`, 'must be an array of strings')
  return {
    path,
    isRequest,
    expressions: texts.filter(isText),
    actions: objectsOf(actions, `${path}.actions`, draft).map((action, index) =>
      readAction(action, `${path}.actions[${index}]`, draft),
    ),
  }
}

function readAction(
  { type, config, ...more }: Readonly<Record<string, unknown>>,
  path: string,
  draft: ImportDraft,
): RuleAction {
  for (const key of Object.keys(more))
    draft.cannot(`${path}.${key}`, 'is unknown: check its spelling, or configure it by hand.')
  if (typeof type !== 'string') draft.mistake(`${path}.type`, 'must be a string')
  if (config !== undefined && config !== null && !isObject(config))
    draft.mistake(`${path}.config`, 'must be an object')
  return {
    type: typeof type === 'string' ? type : '',
    config: isObject(config) ? config : {},
    path,
  }
}

function objectsOf(
  value: unknown,
  path: string,
  draft: ImportDraft,
): readonly Record<string, unknown>[] {
  if (Array.isArray(value) && value.every(isObject)) return value
  draft.mistake(path, 'must be an array of objects')
  return []
}
