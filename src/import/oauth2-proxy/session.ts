import { MAX_SECONDS } from '../duration.js'
import { cannot, type Conversion, differs } from './conversion.js'

const WEEK = 168 * 3600

/** Times, cookie and store of sessions. */
export function convertSession(conversion: Conversion): void {
  convertTimes(conversion)
  convertSecret(conversion)
  convertCookie(conversion)
  convertStore(conversion)
}

function convertTimes(conversion: Conversion): void {
  const { settings, draft } = conversion
  const expire = settings.duration('cookie_expire') ?? WEEK
  const refresh = settings.duration('cookie_refresh') ?? 0
  if (expire > 0) draft.option('maximumDuration', Math.min(expire, MAX_SECONDS))
  else
    differs(
      conversion,
      'cookie_expire',
      'is 0, which ends sessions with the browser: here they last 400 days, set maximumDuration.',
    )
  if (expire > MAX_SECONDS)
    differs(conversion, 'cookie_expire', 'is shortened to one year, the longest duration.')
  if (refresh === 0) return
  draft.option('authCheckInterval', Math.min(refresh, MAX_SECONDS))
  differs(
    conversion,
    'cookie_refresh',
    'also evaluates the rules again, and does not extend the session: it ends after maximumDuration. For sessions that last as long as they are used, set inactivityTimeout instead.',
  )
}

const MIN_SECRET = 32

function convertSecret(conversion: Conversion): void {
  const { settings, draft } = conversion
  const secret = settings.text('cookie_secret')
  const hint = 'generate one with `openssl rand -hex 32`, and set OAUTH_MODULE_SECRET or secret.'
  if (secret !== undefined && secret.length >= MIN_SECRET) draft.option('secret', secret)
  else if (secret !== undefined)
    cannot(conversion, 'cookie_secret', `has less than ${MIN_SECRET} characters: ${hint}`)
  else if (settings.has('cookie_secret_file'))
    cannot(conversion, 'cookie_secret_file', `contains bytes, and a secret here is text: ${hint}`)
  draft.differs(
    settings.key(settings.has('cookie_name') ? 'cookie_name' : 'cookie_secret'),
    'belongs to sessions that are not read here: all users sign in once more.',
  )
}

function convertCookie(conversion: Conversion): void {
  const { settings, draft } = conversion
  const name = settings.text('cookie_name')?.replace(/^__(?:Host|Secure)-/i, '')
  if (name !== undefined && /^[A-Za-z0-9._-]{1,63}$/.test(name))
    draft.option('cookiePrefix', `${name}.`)
  else if (name !== undefined)
    cannot(conversion, 'cookie_name', 'is not accepted: set cookiePrefix.')
  const [domain, other] = settings.texts('cookie_domains')
  if (other !== undefined)
    cannot(
      conversion,
      'cookie_domains',
      'lists several domains, and a gate has one: set cookie.domain.',
    )
  else if (domain !== undefined) draft.member('cookie', 'domain', domain.replace(/:\d+$/, ''))
  const path = settings.text('cookie_path')
  if (path !== undefined && path !== '/') draft.member('cookie', 'path', path)
  if (!settings.flag('cookie_secure', true)) draft.member('cookie', 'secure', false)
  const sameSite = settings.text('cookie_samesite')?.toLowerCase()
  if (sameSite === 'none') draft.member('cookie', 'sameSite', 'None')
  if (sameSite === 'strict')
    differs(
      conversion,
      'cookie_samesite',
      'is Lax here: with Strict, a link from another site would start a login.',
    )
}

function convertStore(conversion: Conversion): void {
  const { settings, draft } = conversion
  const type = settings.text('session_store_type') ?? 'cookie'
  if (type === 'redis') return convertRedis(conversion)
  if (type !== 'cookie') return draft.mistake('session_store_type', "must be 'cookie' or 'redis'")
  draft.option('store', 'cookie')
  differs(
    conversion,
    'session_store_type',
    'is cookie, as there: a copied cookie stays valid until the session ends, and sessions cannot be listed or revoked. Leave out store to keep sessions in memory, or set it to the URL of a Redis.',
  )
}

function convertRedis(conversion: Conversion): void {
  const { settings, draft } = conversion
  const url = settings.text('redis_connection_url')
  const isPlural = settings.flag('redis_use_sentinel') || settings.flag('redis_use_cluster')
  if (isPlural)
    return cannot(
      conversion,
      settings.flag('redis_use_sentinel') ? 'redis_use_sentinel' : 'redis_use_cluster',
      'needs a client of your own: pass redisStore(client) in an app.',
    )
  if (url === undefined) return draft.mistake('redis_connection_url', 'is missing')
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))
    return cannot(
      conversion,
      'redis_connection_url',
      'must be a URL as in redis://host:6379 here: set store.',
    )
  const store = new URL(url)
  const password = settings.text('redis_password')
  const username = settings.text('redis_username')
  if (password !== undefined) store.password = password
  if (username !== undefined) store.username = username
  draft.option('store', store.href)
}
