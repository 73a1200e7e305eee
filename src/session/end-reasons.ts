/** What follows from the reason for which a session ends. */
export interface EndKind {
  /** Without one, the flow that ends the session emits its own event. */
  readonly event?: 'expired' | 'revoked'
  /** Whether the next request of the session learns that it was revoked. */
  readonly isRevocation: boolean
  /**
   * Whether something other than a request of the session ends it. Then the store must confirm that
   * the row is gone, and other processes are told.
   */
  readonly isExternal?: boolean
  /** For the owner. */
  readonly hint: string
}

/** Why sessions end. The log and the events follow from this table. */
export const END_REASONS = {
  logout: { isRevocation: false, hint: 'the user signed out' },
  replaced: {
    event: 'revoked',
    isRevocation: false,
    hint: 'another login of the same browser replaced it',
  },
  unused: {
    isRevocation: false,
    hint: 'its login failed afterwards, or the next request did not find it: see the other lines on this login',
  },
  expired: {
    event: 'expired',
    isRevocation: false,
    hint: 'it reached inactivityTimeout or maximumDuration, or the store no longer has it',
  },
  revoked: {
    event: 'revoked',
    isRevocation: true,
    isExternal: true,
    hint: 'the app ended it with sessions.revoke(), users.delete() or users.block()',
  },
  backchannel: {
    event: 'revoked',
    isRevocation: true,
    isExternal: true,
    hint: 'the provider sent a logout token',
  },
  signal: {
    event: 'revoked',
    isRevocation: true,
    isExternal: true,
    hint: 'a signal or webhook ended it: see the event signal',
  },
  limit: {
    event: 'revoked',
    isRevocation: true,
    hint: 'the user has more sessions than sessionsPerUser',
  },
  moved: {
    event: 'revoked',
    isRevocation: true,
    hint: 'it was used with another browser or in another network: see onMove',
  },
  ended: { isRevocation: true, hint: 'the provider ended its grant' },
} as const satisfies Record<string, EndKind>

/** Why a session has ended. */
export type EndReason = keyof typeof END_REASONS
