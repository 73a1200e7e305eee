import type { Authorize } from '../access/authorize.js'
import { checkRulesCanBeMet, type Provider } from '../access/provider.js'
import { allOfField, ruleFields, type Rules, rulesOf } from '../access/rules.js'
import { scopesField } from '../providers/request-params.js'
import { type Field, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { boolean, func, oneOf, seconds } from '../schema/types.js'

/** Rules of `requireAuth()`. The lists are alternatives; everything else applies in addition. */
export interface GuardRules extends Rules {
  /**
   * A custom rule. Must settle within 5 seconds; if it throws, the request is rejected. Default:
   * none.
   */
  authorize?: Authorize | undefined
  /** Scopes that the user must have granted. Missing ones are requested with a new login. */
  scopes?: readonly string[] | undefined
  /**
   * Seconds since the user last authenticated at the provider (`auth_time`). An older session needs
   * a new login.
   */
  maxAge?: number | undefined
  /**
   * With `maxAge`: also accept providers that cannot re-authenticate users or do not report when
   * they did. Then the time of the login is used. Default: `false`, which throws for such
   * providers.
   */
  acceptSilentLogin?: boolean | undefined
  /**
   * `'required'`: the session must be bound to the device of the browser, within 30 seconds of the
   * login; afterwards, requests get 403 with the code `device_required`. Throws without the option
   * `deviceBound` of `oauthModule()`. Default: not required.
   */
  deviceBound?: 'required' | undefined
}

/** Validated rules of a guard. */
export interface ParsedGuardRules {
  readonly lists: Rules
  readonly authorize: Authorize | undefined
  readonly scopes: readonly string[]
  readonly maxAgeMs: number | undefined
  readonly acceptSilentLogin: boolean
  readonly needsDevice: boolean
}

const guardFields = {
  ...ruleFields,
  allOf: allOfField(ruleFields),
  authorize: func<Authorize>().rejectUndefined(),
  scopes: scopesField.rejectUndefined(),
  maxAge: seconds({ min: 1 }).rejectUndefined(),
  acceptSilentLogin: boolean().default(false),
  deviceBound: oneOf(['required']).rejectUndefined(),
} satisfies Record<keyof GuardRules, Field>

/**
 * Throws one `TypeError` for all mistakes, among them rules that none of the providers can meet.
 */
export function parseGuardRules(
  rules: GuardRules | undefined,
  { providers, deviceBound }: { providers: readonly Provider[]; deviceBound: boolean },
): ParsedGuardRules {
  if (rules === undefined)
    throw new TypeError(
      'requireAuth() must not be called with undefined: leave out the argument if every user may pass who is signed in',
    )
  const mistakes = new Mistakes('requireAuth()')
  const values = readFields(guardFields, rules, mistakes)
  const { authorize, scopes = [], maxAge: maxAgeMs, acceptSilentLogin } = values
  const lists = rulesOf(values)
  checkRulesCanBeMet(lists, providers, mistakes)
  const silent = providers.find(
    ({ forcesLogin, returnsAuthTime }) => forcesLogin !== true || returnsAuthTime !== true,
  )
  if (maxAgeMs !== undefined && silent !== undefined && !acceptSilentLogin)
    mistakes
      .at('maxAge')
      .add(
        `cannot be met: ${silent.label} cannot re-authenticate users, or does not report when it did. Set acceptSilentLogin: true to accept any login there`,
      )
  const needsDevice = values.deviceBound === 'required'
  if (needsDevice && !deviceBound)
    mistakes.at('deviceBound').add('needs the option deviceBound: true of oauthModule()')
  mistakes.throwIfAny()
  return { lists, authorize, scopes, maxAgeMs, acceptSilentLogin, needsDevice }
}
