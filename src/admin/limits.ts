/** The most entries that a list of a body may have. */
export const MAX_ENTRIES = { rules: 1000, memberships: 200, scopes: 100 } as const

/** The most characters that a value of a body may have. */
export const MAX_LENGTHS = {
  clientId: 2048,
  clientSecret: 8192,
  cookiePrefix: 64,
  /** RFC 5321, 4.5.3.1.3, without the angle brackets. */
  emailAddress: 254,
  /** RFC 1035, 2.3.4 */
  emailDomain: 253,
  scope: 512,
  organization: 100,
  team: 200,
} as const

/** Bytes of a request body. */
export const MAX_BODY_BYTES = 64 * 1024

/** Seconds that a request body may take. */
export const BODY_TIMEOUT_SECONDS = 10

/** The longest duration, as in the options of `oauthModule()`. */
export const MAX_SECONDS = 365 * 86_400
