import type { Authorize } from '../access/authorize.js'
import { checkRulesCanBeMet, type Provider } from '../access/provider.js'
import { allOfField, ruleFields, type Rules, rulesOf } from '../access/rules.js'
import { scopesField } from '../providers/request-params.js'
import { type Field, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { boolean, func, seconds } from '../schema/types.js'

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
}

/** Validated rules of a guard. */
export interface ParsedGuardRules {
  readonly lists: Rules
  readonly authorize: Authorize | undefined
  readonly scopes: readonly string[]
  readonly maxAgeMs: number | undefined
  readonly acceptSilentLogin: boolean
}

const guardFields = {
  ...ruleFields,
  allOf: allOfField(ruleFields),
  authorize: func<Authorize>().rejectUndefined(),
  scopes: scopesField.rejectUndefined(),
  maxAge: seconds({ min: 1 }).rejectUndefined(),
  acceptSilentLogin: boolean().default(false),
} satisfies Record<keyof GuardRules, Field>

/**
 * Throws one `TypeError` for all mistakes, among them rules that none of the providers can meet.
 */
export function parseGuardRules(
  rules: GuardRules | undefined,
  providers: readonly Provider[],
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
  mistakes.throwIfAny()
  return { lists, authorize, scopes, maxAgeMs, acceptSilentLogin }
}
