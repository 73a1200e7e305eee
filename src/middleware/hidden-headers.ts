import type { IncomingHttpHeaders } from 'node:http'
import { inspect } from 'node:util'

/**
 * Headers that can be read by name, and that nothing copies or prints. They are inherited: what is not
 * enumerable, `new Headers(req.headers)` and `fetch()` copy all the same.
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
    const present = prototypeOf(headers)
    let prototype = this.#prototypes.get(present)
    if (prototype === undefined) {
      prototype = flatPrototype({
        ...Object.getOwnPropertyDescriptors(present),
        ...this.#accessors,
      })
      this.#prototypes.set(present, prototype)
    }
    Object.setPrototypeOf(headers, prototype)
  }
}

/** Removes hidden headers that another gate has added. */
export function removeHidden(
  headers: IncomingHttpHeaders,
  isRemoved: (name: string) => boolean,
): void {
  const descriptors = Object.getOwnPropertyDescriptors(prototypeOf(headers))
  const removed = Object.keys(descriptors).filter(isRemoved)
  if (removed.length === 0) return
  for (const name of removed) Reflect.deleteProperty(descriptors, name)
  Object.setPrototypeOf(headers, flatPrototype(descriptors))
}

/** Headers of HTTP/2 have none. */
function prototypeOf(headers: IncomingHttpHeaders): object {
  return (Object.getPrototypeOf(headers) as object | null) ?? Object.prototype
}

/**
 * A prototype that inherits from nothing, like that of every plain object: HTTP clients and other
 * libraries recognize plain objects by that. They are printed as such.
 */
function flatPrototype(descriptors: PropertyDescriptorMap): object {
  return Object.create(null, {
    ...descriptors,
    [inspect.custom]: {
      value(this: object) {
        return { ...this }
      },
    },
  }) as object
}
