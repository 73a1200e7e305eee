import type { Field, Values } from '../schema/field.js'
import { object, seconds } from '../schema/types.js'

/** How long the store keeps what administrators look at. In seconds. */
export interface RetentionOptions {
  /**
   * Entries of the audit log, at most ten years. 0: they are only logged. Default: one year.
   */
  audit?: number | undefined
  /**
   * Earlier configurations, at least one minute and at most ten years. Default: one year.
   */
  history?: number | undefined
}

const YEAR = 365 * 86_400
const MAX_SECONDS = 10 * YEAR

const retentionFields = {
  audit: seconds({ max: MAX_SECONDS }).default(YEAR).describe('Entries of the audit log.'),
  history: seconds({ min: 60, max: MAX_SECONDS }).default(YEAR).describe('Earlier configurations.'),
} satisfies Record<keyof RetentionOptions, Field>

/** The option `retention`. */
export const retentionField = object(retentionFields).default({})

/** The parsed option, in milliseconds. */
export type Retention = Values<typeof retentionFields>
