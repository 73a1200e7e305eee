import { isObject, parseJson } from '../../http/json.js'
import { ImportDraft } from '../draft.js'
import { unwrapped } from '../ngrok-endpoint.js'
import { checkEmails } from '../ngrok-providers.js'
import { reportAddresses } from '../ngrok-module.js'
import { sourceObject } from '../read.js'
import { RuleSets } from '../rule-sets.js'
import type { ImportResult } from '../result.js'
import { mayProtect, reasonAgainst } from './actions.js'
import { convertLogin, LOGIN_ACTIONS } from './login-action.js'
import { conditionOfAll, openPaths, rulesOfDeny } from './rules.js'
import { readRules, type Rule, type RuleAction } from './read-policy.js'

const PRODUCT = 'ngrok traffic policy'

/**
 * Converts a traffic policy of ngrok: the action `oauth` or `openid-connect`, and the rules with
 * `deny` or `custom-response` whose expressions compare the email address of the user. Rules on
 * anything else, and all other actions, are reported.
 *
 * ```ts
 * import { fromNgrokTrafficPolicy } from 'oauth-module/import'
 *
 * const { options } = fromNgrokTrafficPolicy({
 *   on_http_request: [
 *     { actions: [{ type: 'oauth', config: { provider: 'google' } }] },
 *     {
 *       expressions: ["!actions.ngrok.oauth.identity.email.endsWith('@acme.com')"],
 *       actions: [{ type: 'deny' }],
 *     },
 *   ],
 * })
 * // options.provider is { google: { emailDomains: ['acme.com'] } }
 * ```
 *
 * @param policy - The policy, or an object with the member `traffic_policy` or `policy`.
 * @returns Our options, and what differs.
 * @throws {TypeError} If a value has the wrong type. Lists all of them.
 */
export function fromNgrokTrafficPolicy(policy: unknown): ImportResult {
  const draft = new ImportDraft(PRODUCT)
  const conversion = new PolicyConversion(draft)
  const source = sourceObject(policy, PRODUCT)
  const inner = unwrapped(source, ['traffic_policy', 'policy'], draft)
  // The API of ngrok has it as a string.
  const rules = typeof inner === 'string' ? parseJson(inner) : inner
  for (const rule of readRules(sourceObject(rules, PRODUCT), draft)) conversion.add(rule)
  conversion.finish()
  return draft.result()
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

class PolicyConversion {
  readonly #draft: ImportDraft
  readonly #constants: Record<string, unknown> = {}
  readonly #rules: RuleSets
  readonly #open = new Set<string>()
  #provider: string | undefined
  #hasLogin = false
  /** Whether something that is not converted may protect the paths without a login. */
  #lacksProtection = false

  constructor(draft: ImportDraft) {
    this.#draft = draft
    this.#rules = new RuleSets(draft)
  }

  add(rule: Rule): void {
    for (const action of rule.actions) this.#addAction(rule, action)
  }

  #addAction(rule: Rule, action: RuleAction): void {
    const { type } = action
    if (!rule.isRequest) return this.#reject(action)
    if (type === 'set-vars') return this.#setVariables(rule, action)
    if (LOGIN_ACTIONS.includes(type)) return this.#addLogin(rule, action)
    if (type === 'deny' || type === 'custom-response') return this.#addDeny(rule, action)
    this.#reject(action)
  }

  #reject({ type, path }: RuleAction, reason = reasonAgainst(type)): void {
    this.#lacksProtection ||= mayProtect(type)
    this.#draft.cannot(path, reason)
  }

  #addLogin(rule: Rule, action: RuleAction): void {
    if (this.#hasLogin)
      return this.#reject(
        action,
        'is another login of the same policy: mount a gate of its own in an app, or start the command a second time.',
      )
    const { type, config, path } = action
    this.#hasLogin = true
    const paths = openPaths(conditionOfAll(rule.expressions, this.#constants))
    if (paths === undefined)
      this.#draft.cannot(
        `${rule.path}.expressions`,
        'requires a login for some requests only, by more than a path: now all requests need it.',
      )
    for (const one of paths ?? []) this.#open.add(one)
    this.#provider = convertLogin(type, config, `${path}.config.`, this.#draft)
  }

  /** Constants that later expressions use. */
  #setVariables(rule: Rule, { config, path }: RuleAction): void {
    const { vars } = config
    if (!Array.isArray(vars) || !vars.every(isObject))
      return this.#draft.mistake(`${path}.config.vars`, 'must be an array of objects')
    for (const variables of vars)
      for (const [name, value] of Object.entries(variables)) {
        const isDynamic = JSON.stringify(value).includes('${') || rule.expressions.length > 0
        // An expression with an unknown variable is not converted.
        if (isDynamic) delete this.#constants[`vars.${name}`]
        else this.#constants[`vars.${name}`] = value
      }
  }

  #addDeny(rule: Rule, action: RuleAction): void {
    const { type, config, path } = action
    const { status_code: status = 403 } = config
    if (type === 'custom-response' && !(Number(status) >= 400))
      return this.#reject(action, 'responds instead of the app: let the app respond.')
    const denied = rulesOfDeny(conditionOfAll(rule.expressions, this.#constants), this.#open)
    if ('problem' in denied) return this.#rules.missing(rule.path, denied.problem)
    for (const set of denied.sets) this.#rules.add(set)
    for (const note of denied.notes) this.#draft.differs(rule.path, note)
    if (type === 'custom-response')
      this.#draft.differs(
        path,
        'is the built-in page for users who may not pass: change its text with texts, or the page with pages.denied in an app.',
      )
  }

  finish(): void {
    const draft = this.#draft
    if (!this.#hasLogin)
      draft.cannot(
        'on_http_request',
        'has no action oauth or openid-connect: nothing states the provider.',
      )
    const open = [...this.#open].flatMap((path) => METHODS.map((method) => `${method} ${path}`))
    if (open.length > 0 && this.#lacksProtection)
      draft.cannot(
        'on_http_request',
        `leaves ${[...this.#open].join(' and ')} without a login, but may protect these paths by what is not converted: they need a login until you replace that, and add them to allowPath.`,
      )
    else if (open.length > 0) draft.command('allowPath', open)
    if (this.#provider === undefined) return
    this.#rules.apply(this.#provider)
    if (this.#rules.isConjunction)
      draft.differs(
        'on_http_request',
        'denies users by several rules, so a user must meet all of them (allOf), as at ngrok. If one was meant to be enough, put the lists into one rule set.',
      )
    checkEmails(draft, this.#provider, 'on_http_request')
    reportAddresses(draft)
  }
}
