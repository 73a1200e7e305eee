import { parseEnv } from 'node:util'
import { parse as parseToml, TomlError } from 'smol-toml'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import { isObject } from '../http/json.js'
import { settingName, settingTypes } from '../import/oauth2-proxy/setting-types.js'

/** A file that cannot be parsed. The message contains no part of the file, which has secrets. */
export class UnreadableFile extends Error {}

type Parsed = Record<string, unknown>

/** Parses JSON or YAML, of which JSON is a part. */
export function parseDocument(text: string): Parsed {
  try {
    return asObject(parseYaml(text))
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new UnreadableFile(`is neither JSON nor YAML${inLine(error.linePos?.[0].line)}`)
  }
}

/**
 * Parses a configuration of oauth2-proxy: its configuration file, JSON or YAML with the same names,
 * environment variables, or a command line.
 */
export function parseOAuth2Proxy(text: string): Parsed {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.some((line) => /^(?:\S*oauth2-proxy\s+)?--?[a-z]/.test(line))) return parseFlags(lines)
  if (lines.length > 0 && lines.every((line) => /^(?:export\s+)?OAUTH2_PROXY_/.test(line)))
    return parseEnv(text)
  const isToml = lines.every((line) => !/^[\w-]+:/.test(line)) && !text.trim().startsWith('{')
  return isToml ? parseConfigurationFile(text) : parseDocument(text)
}

function parseConfigurationFile(text: string): Parsed {
  try {
    return parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new UnreadableFile(`is not TOML${inLine(error.line)}`)
  }
}

function asObject(value: unknown): Parsed {
  if (isObject(value)) return value
  throw new UnreadableFile('does not contain an object')
}

function inLine(line: number | undefined): string {
  return line === undefined ? '' : ` (line ${line})`
}

/** Flags, as in a shell: on one line or several, with quotation marks, `=` or a space. */
function parseFlags(lines: readonly string[]): Parsed {
  const words = wordsOf(lines.map((line) => line.replace(/\\$/, '')).join(' '))
  const flags: Record<string, unknown> = {}
  for (let at = words.findIndex((word) => word.startsWith('-')); at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-'))
      throw new UnreadableFile(`has a value without a flag, as argument ${at + 1}`)
    const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (value !== undefined) addFlag(flags, name, value)
    else if (settingTypes[settingName(name) ?? ''] === 'flag') addFlag(flags, name, true)
    else addFlag(flags, name, words[++at] ?? '')
  }
  return flags
}

/** A flag that is given again adds to a list, and otherwise replaces the value. */
function addFlag(flags: Record<string, unknown>, name: string, value: unknown): void {
  const isList = settingTypes[settingName(name) ?? ''] === 'texts'
  if (!isList || typeof value !== 'string') return void (flags[name] = value)
  const values = value.split(',')
  flags[name] = [...((flags[name] as string[] | undefined) ?? []), ...values]
}

/** The words of a shell command: quotation marks group, and a backslash escapes. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    const next = text.charAt(at + 1)
    const isEscape =
      char === '\\' && (quote === undefined || (quote === '"' && /["\\$`]/.test(next)))
    if (isEscape) {
      word = (word ?? '') + next
      at++
    } else if (char === quote) quote = undefined
    else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char
      word ??= ''
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  return word === undefined ? words : [...words, word]
}
