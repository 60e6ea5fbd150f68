/**
 * Assertions that stay on in production. A failed one is a bug of ours, never of the caller, and says so by
 * its type. Pass constant strings: a template literal costs ten times the check itself.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws {@link InvariantError} with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** Marks a place that no input can reach. */
export function unreachable(message: string): never {
  throw new InvariantError(message)
}
