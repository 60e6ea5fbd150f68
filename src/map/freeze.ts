/** Freezing decoded values, so that one object can be given to all who ask for it. */

/**
 * Freezes `value` and all that its own enumerable properties lead to, if it is made of primitives, arrays and plain
 * objects only. Returns false, and has frozen nothing, if anything in it could still be changed when frozen: a Map, a Set,
 * a Date, a typed array, an instance of a class, a function.
 */
export function freezeIfPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  const objects = new Set<object>([value])
  // A Set is gone over in the order of insertion, with what is added meanwhile.
  for (const object of objects) {
    if (!isPlain(object)) return false
    for (const part of Object.values(object)) {
      if (typeof part === 'object' && part !== null) objects.add(part)
      else if (typeof part === 'function') return false
    }
  }
  for (const object of objects) Object.freeze(object)
  return true
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (Array.isArray(object)) return prototype === Array.prototype
  return prototype === Object.prototype || prototype === null
}
