import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'

/** Test tools that inject requests leave `rawHeaders` out. */
export function rawHeadersOf(req: Partial<Pick<IncomingMessage, 'rawHeaders'>>): string[] {
  return req.rawHeaders ?? []
}

/**
 * Requests of HTTP/2 have no `headersDistinct`. Versions of Node before 20.20.2 throw at a header
 * named `__proto__` when it is first read, and then return the headers in front of that one.
 */
export function distinctHeadersOf(
  req: Partial<Pick<IncomingMessage, 'headersDistinct'>>,
): NodeJS.Dict<string[]> {
  try {
    return req.headersDistinct ?? {}
  } catch {
    return req.headersDistinct ?? {}
  }
}

/**
 * Edits a header in `rawHeaders` and `headersDistinct`: `edit` returns its new value, or
 * `undefined` to remove it. `raw` is `req.rawHeaders`, read once: in Express each access to a
 * property of the request costs up to a microsecond.
 */
export function editRawHeader(
  req: IncomingMessage,
  raw: string[],
  name: string,
  edit: (value: string) => string | undefined,
): void {
  let isEdited = false
  for (let index = raw.length - 2; index >= 0; index -= 2) {
    const candidate = raw[index]
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue
    const value = raw[index + 1] ?? ''
    const edited = edit(value)
    if (edited === value) continue
    if (!isEdited && hasDistinctHeaders(req)) editDistinctHeader(distinctHeadersOf(req), name, edit)
    isEdited = true
    if (edited === undefined) removeRawHeader(req, raw, index)
    else raw[index + 1] = edited
  }
}

function editDistinctHeader(
  distinct: NodeJS.Dict<string[]>,
  name: string,
  edit: (value: string) => string | undefined,
): void {
  const values = distinct[name]?.flatMap((value) => edit(value) ?? [])
  if (values === undefined) return
  if (values.length === 0) delete distinct[name]
  else distinct[name] = values
}

/**
 * The properties in which Node keeps `headersDistinct`, and the number of raw headers to create it
 * from. Reading `headersDistinct` creates it, which takes longer than everything else that the gate
 * does. In versions of Node without these properties, it is created nevertheless.
 */
const { distinctKey, countKey } = internalKeys()

type Internals = Record<symbol, unknown>

function internalKeys() {
  const probe = new IncomingMessage(new Socket())
  void probe.headersDistinct
  const keys = Object.getOwnPropertySymbols(probe)
  const keyOf = (name: string) => keys.find(({ description }) => description === name)
  return { distinctKey: keyOf('kHeadersDistinct'), countKey: keyOf('kHeadersCount') }
}

/**
 * Whether `headersDistinct` exists. Otherwise Node creates it from the raw headers when it is read.
 */
function hasDistinctHeaders(req: IncomingMessage): boolean {
  if (distinctKey === undefined) return true
  const internals = req as unknown as Internals
  return internals[distinctKey] !== undefined || !(req instanceof IncomingMessage)
}

function removeRawHeader(req: IncomingMessage, raw: string[], index: number): void {
  raw.splice(index, 2)
  if (countKey === undefined) return
  const internals = req as unknown as Internals
  const count = internals[countKey]
  if (typeof count === 'number' && index < count) internals[countKey] = count - 2
}
