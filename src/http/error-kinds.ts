/** Who can fix an error: the user in the browser (`user`), or the owner of the app (`owner`). */
export type ErrorAudience = 'user' | 'owner'

/** What follows from an error's code. */
export interface ErrorKind {
  readonly status: number
  readonly audience: ErrorAudience
  readonly retryable: boolean
  /** The heading of the page. */
  readonly title: string
  /**
   * The sentence below the heading, in JSON and in the log. Adds to the title, and is clear without
   * it.
   */
  readonly message: string
  /** For the owner: how to fix the usual cause. Most errors have a more specific hint. */
  readonly hint: string
}
