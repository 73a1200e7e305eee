import type { Field, Fields, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { custom, object, oneOf, string } from '../schema/types.js'
import { ENGLISH, type PartialPageTexts, placeholdersOf, type TextsOption } from './texts.js'

const MAX_TEXT = 1000

/** A text with the placeholders of the English one. */
function textField(english: string): Field<string, undefined> {
  const needed = placeholdersOf(english)
  return string({
    max: MAX_TEXT,
    check: (text) => {
      const missing = needed.find((placeholder) => !text.includes(placeholder))
      if (missing !== undefined) return `must contain ${missing}`
      const unknown = placeholdersOf(text).some((placeholder) => !needed.includes(placeholder))
      return unknown
        ? `must not contain other placeholders than ${needed.join(', ') || 'none'}`
        : undefined
    },
  })
}

function textFieldsOf(texts: object): Fields {
  return Object.fromEntries(
    Object.entries(texts).map(([name, english]: [string, unknown]) => [
      name,
      typeof english === 'string' ? textField(english) : object(textFieldsOf(english as object)),
    ]),
  )
}

/** The fields of the option `texts`. */
export const textFields: Fields = {
  ...textFieldsOf(ENGLISH),
  lang: string({
    pattern: /^[a-z]{2,8}(?:-[a-z0-9]{1,8})*$/i,
    fix: "must be a language tag, as in 'de' or 'pt-BR'",
    max: 35,
  }),
  dir: oneOf(['ltr', 'rtl']),
}

/** Validates texts, those of the option and those that its function returns. */
export function parseTexts(value: unknown, mistakes: Mistakes): PartialPageTexts {
  return readFields(textFields, value, mistakes)
}

/** The option `texts`: its function is validated when it returns. */
export const textsField = custom<TextsOption>(
  (value, mistakes) =>
    typeof value === 'function' ? (value as TextsOption) : parseTexts(value, mistakes),
  { type: 'object', fields: textFields },
)
