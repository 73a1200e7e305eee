import { AdminError } from './errors.js'

/** Nesting of the bodies that the API accepts, with room: the deepest has four levels. */
const MAX_DEPTH = 10
/** Names that would reach the prototype of an object. No field has one of them. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype'])
/** A string, a bracket, a comma or colon, or a number or literal of valid JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g
const LONE_SURROGATE = /\p{Surrogate}/u

/** An object or array that is being read. */
interface Level {
  readonly names: Set<string> | undefined
  /** Path of the object or array itself. */
  readonly path: string
  /** Path of the member that is being read. */
  member: string
  index: number
  isName: boolean
}

/**
 * Parses the bytes of a request body. Unlike `JSON.parse`, it rejects what parsers read
 * differently: repeated names, names such as `__proto__`, numbers that lose digits, strings that
 * are not Unicode, a byte order mark, and deep nesting (RFC 8259, sections 4, 6, 8 and 9). Throws an
 * {@link AdminError} that names the field and quotes nothing: a body contains secrets.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('The body is not valid JSON.')
  }
  checkTokens(text)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid('The body is not UTF-8.')
  }
}

function invalid(message: string): AdminError {
  return new AdminError('ERR_NGROK_213', { message })
}

/** Checks what `JSON.parse` has lost. The text is valid JSON. */
function checkTokens(text: string): void {
  const levels: Level[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1)
    if (token === '{' || token === '[') {
      if (levels.length === MAX_DEPTH) throw invalid('The body is nested too deeply.')
      levels.push(levelOf(token, level?.member ?? ''))
    } else if (token === '}' || token === ']') levels.pop()
    else if (token === ',') advance(level)
    else if (token === ':') {
      if (level !== undefined) level.isName = false
    } else if (level?.isName === true) readName(level, token)
    else checkValue(token, level?.member)
  }
}

function levelOf(bracket: '{' | '[', path: string): Level {
  const isObject = bracket === '{'
  return {
    names: isObject ? new Set() : undefined,
    path,
    member: isObject ? path : `${path}[0]`,
    index: 0,
    isName: isObject,
  }
}

function advance(level: Level | undefined): void {
  if (level === undefined) return
  level.isName = level.names !== undefined
  if (level.names === undefined) level.member = `${level.path}[${++level.index}]`
}

function readName(level: Level, token: string): void {
  const name = JSON.parse(token) as string
  const field = level.path === '' ? name : `${level.path}.${name}`
  level.member = field
  if (FORBIDDEN_NAMES.has(name) || LONE_SURROGATE.test(name))
    throw new AdminError('ERR_NGROK_214', { field: printable(field) })
  if (level.names?.has(name) === true)
    throw new AdminError('ERR_NGROK_213', {
      field: printable(field),
      message: 'The body contains a field twice.',
    })
  level.names?.add(name)
}

function checkValue(token: string, field = ''): void {
  const value: unknown = JSON.parse(token)
  if (typeof value === 'string' && LONE_SURROGATE.test(value))
    throw new AdminError('ERR_NGROK_215', {
      field: printable(field),
      message: 'The value is not valid Unicode.',
    })
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new AdminError('ERR_NGROK_215', {
      field: printable(field),
      message: 'The number is too large.',
    })
}

/** A path for a message: a name may contain anything. */
export function printable(field: string): string {
  return field.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')
}
