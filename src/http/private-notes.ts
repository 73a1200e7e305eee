/**
 * Values that belong to objects which this package did not create, such as the headers of a request.
 * They are private members of those objects: nothing lists, prints, or copies them. Properties with
 * a symbol would be found: `new Headers(req.headers)` fails at one, even if it is not enumerable. A
 * `WeakMap` takes ten times as long.
 */
export interface PrivateNotes<Value> {
  /** Keeps a value for the object, in place of an earlier one. */
  set(object: object, value: Value): void
  /** The value for the object, or for one that it inherits from; `undefined` if there is none. */
  get(object: object): Value | undefined
}

/** Returns its argument, so that the private members of subclasses become members of that. */
const ReturnArgument = function (object: object) {
  return object
} as unknown as new (object: object) => object

/** Creates notes that can only be read with what this returns. */
export function createPrivateNotes<Value>(): PrivateNotes<Value> {
  return class Note extends ReturnArgument {
    #value: Value

    constructor(object: object, value: Value) {
      super(object)
      this.#value = value
    }

    static set(object: object, value: Value): void {
      if (#value in object) object.#value = value
      else new Note(object, value)
    }

    static get(object: object): Value | undefined {
      let holder: unknown = object
      while (typeof holder === 'object' && holder !== null) {
        if (#value in holder) return holder.#value
        holder = Object.getPrototypeOf(holder)
      }
      return undefined
    }
  }
}
