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

  /** Throws a `TypeError` that explains what is wrong with an entry. */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map((entry) => {
      const parsed = parseEntry(entry)
      if (typeof parsed === 'string') throw new TypeError(`allowPaths ${parsed}`)
      return parsed
    })
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

/** What is wrong with an entry, as the end of a sentence; `undefined` if it is valid. */
export function allowedPathProblem(entry: string): string | undefined {
  const parsed = parseEntry(entry)
  return typeof parsed === 'string' ? parsed : undefined
}

function parseEntry(entry: string): Entry | string {
  const [, method, given] = ENTRY.exec(entry) ?? []
  if (method === undefined || given === undefined)
    return "has an entry without method or path: write it as in 'GET /health'"
  if (method === 'HEAD') return 'has an entry with HEAD, which is allowed together with GET'
  const isPrefix = given.endsWith('/*')
  const path = isPrefix ? given.slice(0, -1) : given
  if (path.includes('*')) return "has an entry with a wildcard elsewhere than '/*' at the end"
  if (AMBIGUOUS.test(path))
    return 'has an entry whose path has a query, a semicolon, an encoded slash or dot, a backslash, doubled slashes or dot segments: no request with such a path is allowed'
  return { method, path, isPrefix }
}
