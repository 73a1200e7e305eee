import type { IncomingHttpHeaders } from 'node:http'
import { makePlain } from '../http/make-plain.js'

/**
 * Headers that can be read by name, and that nothing copies or prints. They are inherited, because
 * Node's `fetch()` and `new Headers()` also copy own properties that are not enumerable.
 */
export class HiddenHeaders {
  readonly #accessors: PropertyDescriptorMap
  readonly #prototypes = new WeakMap<object, object>()

  /** The getters are called with the headers of a request as `this`. */
  constructor(accessors: PropertyDescriptorMap) {
    this.#accessors = accessors
  }

  /** Adds the headers to those of a request. */
  addTo(headers: IncomingHttpHeaders): void {
    replacePrototype(headers, this.#prototypes, (members) => ({ ...members, ...this.#accessors }))
  }
}

/** Removes hidden headers that other gates have added. */
export class HiddenHeaderRemover {
  readonly #prototypes = new WeakMap<object, object>()
  readonly #isRemoved: (name: string) => boolean

  constructor(isRemoved: (name: string) => boolean) {
    this.#isRemoved = isRemoved
  }

  /** Removes them from a request. */
  removeFrom(headers: IncomingHttpHeaders): void {
    const present = prototypeOf(headers)
    if (present === Object.prototype) return
    if (!Object.getOwnPropertyNames(present).some(this.#isRemoved)) return
    replacePrototype(headers, this.#prototypes, (members) =>
      Object.fromEntries(Object.entries(members).filter(([name]) => !this.#isRemoved(name))),
    )
  }
}

/** A new prototype for each request would take longer than everything else. */
function replacePrototype(
  headers: IncomingHttpHeaders,
  known: WeakMap<object, object>,
  change: (members: PropertyDescriptorMap) => PropertyDescriptorMap,
): void {
  const present = prototypeOf(headers)
  let prototype = known.get(present)
  if (prototype === undefined) {
    const members = change(Object.getOwnPropertyDescriptors(present))
    prototype = makePlain(Object.create(null, members) as object)
    known.set(present, prototype)
  }
  Object.setPrototypeOf(headers, prototype)
}

/** The headers of an HTTP/2 request have no prototype. */
function prototypeOf(headers: IncomingHttpHeaders): object {
  return (Object.getPrototypeOf(headers) as object | null) ?? Object.prototype
}
