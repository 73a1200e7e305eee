interface Entry {
  readonly method: string
  readonly path: string
  /** Whether everything below the path is allowed. The path then ends with a slash. */
  readonly isPrefix: boolean
}

/** `GET /health`, `POST /hooks/*`. */
const ENTRY = /^([A-Z]+) (\/[\x21-\x7e]*)$/

/**
 * What routers resolve differently: encoded slashes, backslashes, dots, semicolons, question and
 * number signs, percent signs, and control characters; percent signs that encode nothing, or more
 * bytes than UTF-8 needs; unencoded characters that URLs do not have, such as tabs, which parsers of
 * URLs remove; dot segments, empty segments, path parameters.
 */
const AMBIGUOUS =
  /%(?:2[35ef]|3[bf]|5c|[01]|7f|c[01]|e0%[89]|f0%8|(?![0-9a-f]{2}))|[^\x21-\x7e]|[\\;#?]|\/\/|\/\.{1,2}(?:\/|$)/i

/**
 * Paths that need no session. Only an exact match counts, because an upstream that resolves a path
 * in another way than the gateway would serve a protected page.
 */
export class AllowedPaths {
  readonly #entries: readonly Entry[]

  /** Throws a `TypeError` that names the entry that is invalid. */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map(parseEntry)
  }

  /** `target` is the path and query of a request, as sent. */
  includes(method: string | undefined, target: string): boolean {
    if (this.#entries.length === 0) return false
    const mark = target.indexOf('?')
    const path = mark === -1 ? target : target.slice(0, mark)
    if (AMBIGUOUS.test(path)) return false
    const effective = method === 'HEAD' ? 'GET' : method
    return this.#entries.some(
      (entry) =>
        entry.method === effective &&
        (entry.isPrefix ? path.startsWith(entry.path) : path === entry.path),
    )
  }
}

function parseEntry(entry: string): Entry {
  const [, method, given] = ENTRY.exec(entry) ?? []
  const invalid = (problem: string) =>
    new TypeError(`allowPaths: ${JSON.stringify(entry)} ${problem}`)
  if (method === undefined || given === undefined)
    throw invalid("must be a method and a path, as in 'GET /health'")
  if (method === 'HEAD') throw invalid('is allowed together with GET: name GET')
  const isPrefix = given.endsWith('/*')
  const path = isPrefix ? given.slice(0, -1) : given
  if (path.includes('*')) throw invalid('may contain * only as /* at its end')
  if (AMBIGUOUS.test(path))
    throw invalid('must not contain encoded slashes, dot segments, //, ;, backslashes, or a query')
  return { method, path, isPrefix }
}
