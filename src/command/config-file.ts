import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { isPlainObject } from '../schema/read-fields.js'
import { parseDocument } from 'yaml'
import { CommandError } from './errors.js'

/** Larger than any configuration. */
const MAX_BYTES = 1024 * 1024

/** Reads a file as text. Throws a {@link CommandError} that names the file. */
export function readText(file: string, what: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    const reason =
      { ENOENT: 'it does not exist', EACCES: 'permission denied', EISDIR: 'it is a folder' }[
        code
      ] ?? code
    throw new CommandError(`${what} ${file} cannot be read: ${reason}`)
  }
  if (text.length > MAX_BYTES) throw new CommandError(`${what} ${file} is larger than 1 MB`)
  return text
}

/**
 * Reads a configuration from a JSON or YAML file. Throws a {@link CommandError} with the line of a
 * mistake. A name that occurs twice is one: the second would silently replace a rule.
 */
export function readConfigFile(file: string): Record<string, unknown> {
  return parseConfig(readText(file, 'the configuration file'), file)
}

/** Parses the contents of a configuration file. */
export function parseConfig(text: string, file: string): Record<string, unknown> {
  const isYaml = ['.yaml', '.yml'].includes(extname(file).toLowerCase())
  const value = isYaml ? parseYaml(text, file) : parseJson(text, file)
  if (!isPlainObject(value))
    throw new CommandError(`${file} must contain an object of options, as in {"provider": …}`)
  const { $schema: _, ...options } = value
  return options
}

function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true })
  const [error] = document.errors
  if (error === undefined) return resolved(document, file)
  throw new CommandError(`${file} is not valid YAML: ${messageAt(text, error.pos[0], error)}`)
}

function resolved(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch {
    throw new CommandError(`${file} has aliases that expand too much, or refer to nothing`)
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    const value = JSON.parse(text) as unknown
    // JSON is YAML, and this parser reports names that occur twice.
    const twice = parseDocument(text, { prettyErrors: false, uniqueKeys: true }).errors.find(
      ({ code }) => code === 'DUPLICATE_KEY',
    )
    if (twice === undefined) return value
    throw new CommandError(`${file} is not valid: ${messageAt(text, twice.pos[0], twice)}`)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} is not valid JSON: ${withoutQuotes(error)}`)
  }
}

/** Neither parser's message may quote the text: it may contain a secret. */
function messageAt(text: string, position: number, { code }: { code: string }): string {
  const line = text.slice(0, position).split('\n').length
  const reason =
    code === 'DUPLICATE_KEY' ? 'the same name twice' : code.toLowerCase().replaceAll('_', ' ')
  return `${reason} in line ${line}`
}

/** `Unexpected token 'x', ..."secret": x" is not valid JSON` without the quotation. */
function withoutQuotes(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const position = /position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0]
  return position === undefined ? 'its end is missing, or it has a typo' : `see ${position}`
}
