import { ProviderError } from '../http/errors.js'
import type { Claims } from '../oauth/identity.js'
import type { ApiResponse, ProviderApi } from '../oauth/provider-api.js'
import type { ProviderLog } from '../oauth/provider-log.js'

const NO_API =
  'an access token for this app gives no access to the API of the provider: only its claims count'

/** The user of an access token, for the hooks of a provider: only its claims can be read. */
export class TokenApi implements ProviderApi {
  readonly claims: Claims
  readonly scopes: readonly string[]
  /** Not the token, which hooks could send elsewhere. */
  readonly accessToken = ''
  readonly tokens: Claims = {}
  readonly callbackParams: Readonly<Record<string, string>> = {}
  readonly client = { id: '', secret: undefined }
  readonly signal: AbortSignal
  readonly #log: ProviderLog

  constructor(claims: Claims, scopes: readonly string[], timeoutMs: number, log: ProviderLog) {
    this.claims = claims
    this.scopes = scopes
    this.signal = AbortSignal.timeout(timeoutMs)
    this.#log = log
  }

  readonly warn: ProviderApi['warn'] = (message, facts) => this.#log.warnOnce(message, facts)
  readonly userinfo: ProviderApi['userinfo'] = async () => this.claims
  readonly api = async (): Promise<unknown> => reject()
  readonly apiList = async (): Promise<readonly unknown[]> => reject()
  readonly apiResponse = async (): Promise<ApiResponse> => reject()
}

function reject(): never {
  throw new ProviderError('denied', 'provider_error', { hint: NO_API })
}
