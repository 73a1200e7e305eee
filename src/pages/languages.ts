import { createCache } from '../http/create-cache.js'
import { Mistakes } from '../schema/field.js'
import { parseTexts } from './text-fields.js'
import { completeTexts, ENGLISH, type PageTexts, type TextsOption } from './texts.js'

/** More languages than a browser has. Each is one call of the app's function. */
const MAX_LANGUAGES = 10
const TAG = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i
/** Scripts that are written from right to left. (ISO 15924) */
const RTL_SCRIPTS: ReadonlySet<string> = new Set([
  'Adlm',
  'Arab',
  'Hebr',
  'Nkoo',
  'Rohg',
  'Syrc',
  'Thaa',
])

/** Selects the texts of a page. */
export class Languages {
  readonly #option: TextsOption
  /** The texts for every request, unless they are negotiated. */
  readonly #fixed: PageTexts | undefined
  readonly #onError: (error: unknown) => void

  /** `onError` receives errors of the app's function, for which the page is in English. */
  constructor(option: TextsOption | undefined, onError: (error: unknown) => void) {
    this.#option = option ?? {}
    if (typeof this.#option !== 'function')
      this.#fixed = withDirection(completeTexts(this.#option), this.#option.dir)
    this.#onError = onError
  }

  /** Whether the texts depend on `Accept-Language`. */
  get isNegotiated(): boolean {
    return typeof this.#option === 'function'
  }

  /** The texts for a request with this `Accept-Language`. (RFC 9110, 12.5.4) */
  textsFor(acceptLanguage: string | undefined): PageTexts {
    const option = this.#option
    if (typeof option !== 'function') return this.#fixed ?? ENGLISH
    try {
      return negotiate(option, acceptLanguage)
    } catch (error) {
      this.#onError(error)
      return ENGLISH
    }
  }
}

function negotiate(
  textsOf: Extract<TextsOption, (language: string) => unknown>,
  acceptLanguage: string | undefined,
): PageTexts {
  for (const tag of acceptedLanguages(acceptLanguage)) {
    for (const language of withParents(tag)) {
      const result: unknown = textsOf(language)
      if (result !== undefined && result !== null) {
        const mistakes = new Mistakes(`texts('${language}')`)
        const texts = parseTexts(result, mistakes)
        mistakes.throwIfAny()
        // A function may respond with an empty object to languages that it does not have.
        if (Object.values(texts).some((text) => text !== undefined))
          return withDirection(completeTexts({ ...texts, lang: texts.lang ?? language }), texts.dir)
      }
      if (language === 'en') return ENGLISH
    }
  }
  return ENGLISH
}

/** The languages of the header, the preferred first. */
export function acceptedLanguages(header = ''): string[] {
  const entries = header
    .slice(0, 1000)
    .split(',')
    .map((entry, index) => {
      const [tag = '', ...params] = entry.split(';').map((part) => part.trim())
      const quality = params.find((param) => /^q=/i.test(param))?.slice(2)
      return { tag, index, quality: quality === undefined ? 1 : Number(quality) }
    })
  return entries
    .filter(({ tag, quality }) => TAG.test(tag) && quality > 0)
    .sort((one, other) => other.quality - one.quality || one.index - other.index)
    .slice(0, MAX_LANGUAGES)
    .map(({ tag }) => canonical(tag))
}

/** In the spelling of BCP 47: `de-CH`, `zh-Hant`. */
function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? tag
  } catch {
    return tag
  }
}

/** `zh-Hant-TW`, `zh-Hant`, `zh`. (RFC 4647, 3.4) */
function withParents(tag: string): string[] {
  const subtags = tag.split('-')
  return subtags.map((_, index) => subtags.slice(0, subtags.length - index).join('-'))
}

function withDirection(texts: PageTexts, dir: PageTexts['dir'] | undefined): PageTexts {
  return { ...texts, dir: dir ?? directionOf(texts.lang) }
}

const directions = createCache<'rtl' | 'ltr'>({ max: 100 })

/** `Intl` takes longer for it than the rest of a page. */
function directionOf(language: string): PageTexts['dir'] {
  const known = directions.get(language)
  if (known !== undefined) return known
  const direction = isRightToLeft(language) ? 'rtl' : 'ltr'
  directions.set(language, direction)
  return direction
}

function isRightToLeft(language: string): boolean {
  try {
    const { script } = new Intl.Locale(language).maximize()
    return script !== undefined && RTL_SCRIPTS.has(script)
  } catch {
    return false
  }
}
