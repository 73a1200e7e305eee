/** One way to identify a user. */
export type UserIdentifier =
  /** `sub` of the provider, whose issuer must match if it is known. */
  | { readonly by: 'subject'; readonly issuer: string; readonly subject: string }
  /** An ID without a stated meaning: of a user, or of a session. */
  | { readonly by: 'opaque'; readonly id: string }
  | { readonly by: 'email'; readonly email: string }
  /** The ID that the provider's API has for the user. */
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'key'; readonly key: string }

/** Users with a membership: everyone in an organization, or with a team of it. */
export interface Members {
  readonly list: 'organizations' | 'groups'
  /** In lower case. */
  readonly name: string
}

/** What a signal is about. */
export interface Subject {
  /** Identifiers of one user: each that is known counts. */
  readonly users: readonly UserIdentifier[]
  /** IDs that the provider has for the session; empty if all sessions of the user are meant. */
  readonly sessions: readonly string[]
  readonly members?: Members | undefined
  /** What cannot be mapped, for the log: nothing else is left, or it would narrow down the rest. */
  readonly unsupported: readonly string[]
}

/** A verified message about a subject. */
export interface Signal {
  /** What happened, as in `session-revoked`. */
  readonly type: string
  readonly action: 'end' | 'recheck'
  /** The name of the provider. */
  readonly provider: string
  /** Issuers whose subjects the sender may name. */
  readonly issuers: readonly string[]
  readonly subject: Subject
  /** Sessions that began later are not affected. Milliseconds. */
  readonly until: number
}

/** The signals of one message. */
export interface Delivery {
  /** The name of the transmitter or webhook. */
  readonly source: string
  /** Identifies the message at its source. */
  readonly id: string
  readonly signals: readonly Signal[]
}

/** What became of a signal. */
export interface SignalReport {
  readonly source: string
  readonly type: string
  readonly provider: string | undefined
  /**
   * `applied`; `unknown_subject` if it names no session of this app; `duplicate`; `ignored`;
   * `failed` if it is tried again; `dropped` if it is not.
   */
  readonly outcome: 'applied' | 'unknown_subject' | 'duplicate' | 'ignored' | 'failed' | 'dropped'
  /** How many sessions it concerned. */
  readonly sessions: number
  /** The key of their user; `undefined` if they have several. */
  readonly user?: string | undefined
  /** What it causes; `undefined` if it was not acted on. */
  readonly action?: Signal['action'] | undefined
  /** For the owner. */
  readonly hint?: string | undefined
}
