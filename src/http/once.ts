/** A function that calls `create` when it is first called, and then returns the same value. */
export function once<Value extends object>(create: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= create())
}
