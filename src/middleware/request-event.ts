import type { OriginatedEvent } from './session-event-types.js'

/** The payload of `http_request_complete`, with the fields of ngrok's event of the same name. */
export interface RequestEvent extends OriginatedEvent {
  /** The fields of ngrok's event. */
  readonly oauth: {
    /** The client ID of the user's provider, or of the only provider. */
    readonly app_client_id: string | undefined
    /** Whether the app received the request. */
    readonly decision: 'allow' | 'block'
    /** The user of the session; both fields are `undefined` if the request is unauthenticated. */
    readonly user: {
      /** The user's id at the provider. */
      readonly id: string | undefined
      /** The full name. */
      readonly name: string | undefined
    }
  }
  /** The request method. */
  readonly method: string
  /** The path without the query, which may contain secrets. */
  readonly path: string
  /** The status code of the response. */
  readonly status: number
  /** Milliseconds from the request to the end of the response. */
  readonly duration: number
  /**
   * Why the app did not receive the request: an error code, `login` if a login started, the special
   * path that responded (`callback`), or `aborted`. `undefined` if the app received it.
   */
  readonly reason: string | undefined
}
