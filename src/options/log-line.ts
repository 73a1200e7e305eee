/** The levels of a logger. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const

/** A method of a logger. */
export type LogLevel = (typeof logLevels)[number]

/** What a line states besides its message; `code`, `provider` and `hint` first of all. */
export type LogDetails = Readonly<Record<string, unknown>>

/** Writes one line. Never throws. */
export type LogWriter = (level: LogLevel, message: string, details: LogDetails) => void

/** Control characters, line separators, and characters that change the direction of text. */
const UNSAFE_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}]/gu
const MAX_LENGTH = 2000
const BARE_VALUE = /^[\w.:/@-]+$/

/** `oauth-module error: <message> code=… provider=… hint="…"`, always one line. */
export function formatLine(level: LogLevel, message: string, details: LogDetails): string {
  const { code, provider, hint, ...others } = details
  const members = Object.entries({ code, provider, hint, ...others })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`)
  return escape(`oauth-module ${level}: ${message.slice(0, MAX_LENGTH)}${members.join('')}`)
}

/** A message without characters that could forge a line of a log. */
export function safeText(text: string): string {
  return escape(text.slice(0, MAX_LENGTH))
}

/** The details without absent members, and with their texts as {@link safeText}. */
export function safeDetails(details: LogDetails): object {
  const safe = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(safe)
    return typeof value === 'string' ? safeText(value) : value
  }
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, safe(value)]],
    ),
  )
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value.slice(0, MAX_LENGTH) : JSON.stringify(value)
  return typeof value !== 'string' || BARE_VALUE.test(text) ? text : JSON.stringify(text)
}

function escape(text: string): string {
  return text.replace(
    UNSAFE_CHARACTERS,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
