import type { FieldSchema } from '../schema/field.js'
import { CommandError } from './errors.js'

/**
 * Converts the texts of a flag or a variable to the JSON value that its schema describes. What
 * cannot be converted stays a string: the check of the option explains what is wrong with it.
 */
export function fromTexts(schema: FieldSchema, texts: readonly string[], name: string): unknown {
  switch (schema.type) {
    case 'strings':
      return texts
    case 'array':
      return schema.of.type === 'object'
        ? fromJson(texts, name)
        : texts.map((text) => fromTexts(schema.of, [text], name))
    case 'map':
      return fromJson(texts, name)
    case 'record':
      return fromPairs(texts, name)
    case 'anyOf':
      return fromAlternatives(schema.of, texts, name)
    default:
      return fromText(schema, single(texts, name))
  }
}

/** Whether several values are an array. */
export function isList(schema: FieldSchema): boolean {
  if (schema.type === 'anyOf') return schema.of.some(isList)
  return schema.type === 'strings' || schema.type === 'array'
}

function single(texts: readonly string[], name: string): string {
  const [text = '', ...others] = texts
  if (others.length > 0) throw new CommandError(`${name} is given ${texts.length} times`)
  return text
}

function fromText(schema: FieldSchema, text: string): unknown {
  const isBoolean =
    schema.type === 'boolean' ||
    (schema.type === 'enum' && schema.values.some((value) => typeof value === 'boolean'))
  if (isBoolean && ['true', 'false'].includes(text)) return text === 'true'
  const isNumber = schema.type === 'seconds' || schema.type === 'integer'
  return isNumber && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}

function fromAlternatives(
  alternatives: readonly FieldSchema[],
  texts: readonly string[],
  name: string,
): unknown {
  const list = alternatives.find(isList)
  if (texts.length > 1 && list !== undefined) return fromTexts(list, texts, name)
  const text = single(texts, name)
  const values = alternatives
    .filter((one) => !isList(one))
    .map((one) => fromTexts(one, [text], name))
  return values.find((value) => typeof value !== 'string') ?? text
}

function fromJson(texts: readonly string[], name: string): unknown {
  try {
    return JSON.parse(single(texts, name)) as unknown
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${name} must be JSON`)
  }
}

/** `name=value`, several times, or a JSON object. */
function fromPairs(texts: readonly string[], name: string): unknown {
  if (texts.length === 1 && texts[0]?.trimStart().startsWith('{') === true)
    return fromJson(texts, name)
  const pairs = texts.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new CommandError(`${name} must be name=value, or a JSON object`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  if (new Set(pairs.map(([key]) => key)).size < pairs.length)
    throw new CommandError(`${name} sets the same name twice`)
  return Object.fromEntries(pairs)
}
