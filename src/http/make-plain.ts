import { inspect } from 'node:util'

/**
 * Turns an object into a prototype whose objects count as plain: like `Object.prototype`, it inherits
 * from nothing and has the same members. HTTP clients, databases, and frameworks recognize plain
 * objects by that, and reject or do not copy others. `console.log()` prints the objects without what
 * they inherit.
 */
export function makePlain<Prototype extends object>(prototype: Prototype): Prototype {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype)
  Object.setPrototypeOf(prototype, null)
  return Object.defineProperties(prototype, {
    ...Object.getOwnPropertyDescriptors(Object.prototype),
    ...members,
    [inspect.custom]: {
      configurable: true,
      value(this: object) {
        return { ...this }
      },
    },
  })
}
