import type { UserEvaluator } from '../access/evaluate-user.js'
import type { IntrospectionConfig } from './introspection.js'

/** What decides on the tokens of one entry of `bearer.issuers`. */
export interface EntryRules {
  readonly audience: readonly string[]
  /** The lists, without `authorize`, which runs at every request. */
  readonly evaluator: UserEvaluator
  readonly trustsEmail: boolean
  /** `undefined`: opaque tokens are not accepted. */
  readonly introspection: IntrospectionConfig | undefined
}
