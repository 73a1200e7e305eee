import { ruleLists } from '../../access/rules.js'
import type { AdminPageGuard } from '../../middleware/admin-access.js'
import type { GuardRules } from '../../middleware/require-auth.js'
import type { Field, Mistakes } from '../../schema/field.js'
import { isPlainObject, readFields } from '../../schema/read-fields.js'
import { custom } from '../../schema/types.js'
import { accessOf, type AdministeredModule } from '../administered-module.js'

/** Web pages for administrators: the option `pages` of `adminRouter()`. */
export interface AdminPagesOptions {
  /**
   * The gate at which administrators sign in, usually one of the modules. Its path must contain that
   * of the router.
   */
  gate: AdministeredModule
  /**
   * Who may see the pages, as for `requireAuth()` of the gate: at least one list or `authorize`.
   */
  rules: GuardRules
}

/** The parsed option. */
export interface AdminPagesConfig {
  readonly guard: AdminPageGuard
}

const RULES = [...ruleLists, 'allOf', 'authorize']
const EXAMPLE = "{ gate: auth, rules: { teams: ['acme/admins'] } }"

const gateField = custom((module, mistakes) => {
  const access = accessOf(module)
  return access?.pageGuard === undefined
    ? mistakes.add('must be a middleware of oauthModule() of this release')
    : access
}).required(`is missing: set it, as in ${EXAMPLE}`)

const rulesField = custom<GuardRules>((rules, mistakes) => {
  if (!isPlainObject(rules)) return mistakes.add(`must be an object of rules, as in ${EXAMPLE}`)
  return RULES.some((name) => name in rules)
    ? rules
    : mistakes.add(
        `contains no rule: everyone who can sign in could end the access of all users. Name the administrators, as in { teams: ['acme/admins'] } or { emailAddresses: ['…'] }`,
      )
}).required(`is missing: set it, as in ${EXAMPLE}`)

const pagesFields = {
  gate: gateField,
  rules: rulesField,
} satisfies Record<keyof AdminPagesOptions, Field>

/** The option `pages` of `adminRouter()`. */
export const adminPagesField = custom<AdminPagesConfig>((value, mistakes) => {
  if (!isPlainObject(value)) return mistakes.add(`must be an object, as in ${EXAMPLE}`)
  const { gate, rules } = readFields(pagesFields, value, mistakes)
  if (mistakes.hasAny()) return undefined
  return guardOf(() => gate.pageGuard(rules), mistakes.at('rules'))
})

/** The messages of `requireAuth()` under the name of this option. */
function guardOf(create: () => AdminPageGuard, mistakes: Mistakes): AdminPagesConfig | undefined {
  try {
    return { guard: create() }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    for (const line of error.message.split('\n')) mistakes.add(`is not valid: ${line}`)
    return undefined
  }
}
