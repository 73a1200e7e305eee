import type { AdminErrorCode } from './error-codes.js'

/** Errors of operations that list records. */
export const LISTED = ['store_not_listable'] as const satisfies readonly AdminErrorCode[]

/** Errors of operations that read a configuration. */
export const READ = ['config_unreadable'] as const satisfies readonly AdminErrorCode[]

/** Errors of operations that change a configuration. */
export const CHANGE = [
  'invalid_if_match',
  'stale_version',
  'stale_config_version',
  'conflict',
  'config_unreadable',
  'config_not_followed',
] as const satisfies readonly AdminErrorCode[]

/** Errors of the body of a module. */
export const MODULE = [
  'ERR_NGROK_7028',
  'ERR_NGROK_7033',
  'ERR_NGROK_7034',
  'ERR_NGROK_5535',
  'ERR_NGROK_7035',
  'ERR_NGROK_7158',
  'ERR_NGROK_7161',
  'ERR_NGROK_7092',
  'ERR_NGROK_7037',
  'ERR_NGROK_7165',
  'ERR_NGROK_7039',
  'ERR_NGROK_7040',
  'ERR_NGROK_7042',
  'ERR_NGROK_7043',
  'ERR_NGROK_7044',
  'ERR_NGROK_7045',
  'ERR_NGROK_7046',
  'ERR_NGROK_7047',
  'ERR_NGROK_7048',
  'ERR_NGROK_7049',
  'ERR_NGROK_7051',
  'ERR_NGROK_7052',
  'ERR_NGROK_7053',
  'ERR_NGROK_7054',
  'ERR_NGROK_7056',
  'ERR_NGROK_7057',
  'ERR_NGROK_7058',
  'ERR_NGROK_7060',
  'ERR_NGROK_7061',
  'ERR_NGROK_7136',
  'ERR_NGROK_7137',
  'ERR_NGROK_7138',
  'ERR_NGROK_7139',
  'ERR_NGROK_7140',
  'ERR_NGROK_7141',
  'ERR_NGROK_7144',
  'ERR_NGROK_7145',
  'cookie_prefix_fixed',
  'email_unverified',
  'provider_in_code',
  'missing_field',
  'disable_not_allowed',
] as const satisfies readonly AdminErrorCode[]

/** Errors of the body of a connection. */
export const CONNECTION = [
  'ERR_NGROK_7028',
  'ERR_NGROK_7056',
  'ERR_NGROK_7137',
  'ERR_NGROK_7138',
  'ERR_NGROK_7141',
  'missing_field',
  'belongs_in_code',
  'client_secret_required',
] as const satisfies readonly AdminErrorCode[]
