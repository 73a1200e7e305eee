import { createHash } from 'node:crypto'

/** A Lua script. The server keeps it under its SHA-1 after the first `EVAL`. */
export interface Script {
  readonly source: string
  readonly sha: string
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

/** KEYS: row. Reads past the cache of a client, which caches only commands. */
export const readRow = script(`
return redis.pcall('GET', KEYS[1])`)

/** KEYS: row. ARGV: value, time to live in milliseconds. */
export const writeRow = script(`
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

/**
 * KEYS: row. ARGV: the expected revision, value, time to live. Reads only the beginning of the row:
 * see rows.ts.
 */
export const replaceRow = script(`
local head = redis.pcall('GETRANGE', KEYS[1], 0, 63)
if type(head) ~= 'string' then return 0 end
if string.match(head, '^{"v":1,"revision":(%d+),') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

/** KEYS: row. Returns the deleted value, or an empty string if it was of another type. */
export const removeRow = script(`
local value = redis.pcall('GET', KEYS[1])
if redis.call('DEL', KEYS[1]) == 0 then return false end
return type(value) == 'string' and value or ''`)

/** KEYS: lock. ARGV: owner, time to live. */
export const takeLock = script(`
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`)

/** KEYS: lock. ARGV: owner. Does not release a lock that another owner has taken since. */
export const releaseLock = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

/**
 * KEYS: members by age, members by end. ARGV: member, time to live. Removes a few expired members
 * as well, so that an index that is never read does not grow.
 */
export const addToIndex = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('ZADD', KEYS[2], now + ttl, ARGV[1])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - 1, 'LIMIT', 0, 20)) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('ZREM', KEYS[2], member)
end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ARGV[2]) end
end
return 1`)

/** KEYS: as for `addToIndex`. The number of members that have not expired. */
export const countIndex = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[2], now, '+inf')`)

/** KEYS: row, which selects the node of a cluster. ARGV: channel, message. */
export const announceChange = script(`
return redis.call('PUBLISH', ARGV[1], ARGV[2])`)

/** KEYS: as for `addToIndex`. ARGV: start, count. Returns each member and its end. */
export const readIndex = script(`
local page = {}
for _, member in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], '-', 'LIMIT', 0, ARGV[2])) do
  page[#page + 1] = member
  page[#page + 1] = redis.call('ZSCORE', KEYS[2], member) or ''
end
return page`)

/** KEYS: as for `addToIndex`. ARGV: member; optionally the end that it must still have. */
export const removeFromIndex = script(`
if ARGV[2] and (redis.call('ZSCORE', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])`)
