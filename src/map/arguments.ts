/**
 * What callers without a type checker get wrong: each check says which argument it was, what it takes and what came
 * instead, before anything has happened. A wrong type is a TypeError, a value that cannot be a RangeError.
 */
import { MAX_TTL_MS } from '../base/limits.js'
import { describe } from '../codec/codec.js'

/** `options` if they are an object; undefined stays so. `example` is what one writes. */
export function checkOptions<T extends object>(
  options: T | undefined,
  of: string,
  example: string,
): T | undefined {
  if (options === undefined || (typeof options === 'object' && options !== null && !Array.isArray(options)))
    return options
  throw new TypeError(`the options of ${of} are an object such as ${example}, not ${describe(options)}`)
}

/** Options by their names; false: planned, and not built yet. */
export type OptionNames<Name extends string = string> = Readonly<Record<Name, boolean>>

/** As {@link checkOptions}, for options that have these names and no others: one that is misspelt must not go unnoticed. */
export function checkNamedOptions<T extends object>(
  options: T | undefined,
  of: string,
  example: string,
  names: OptionNames,
): T | undefined {
  const given = checkOptions(options, of, example)
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue
    const isBuilt = Object.hasOwn(names, name) ? names[name] : undefined
    if (isBuilt === false) throw new TypeError(`the option ${name} of ${of} is not built yet: leave it out`)
    if (isBuilt === undefined)
      throw new TypeError(`${of} has no option '${name}'; the options are ${builtOf(names).join(', ')}`)
  }
  return given
}

function builtOf(names: OptionNames): string[] {
  return Object.keys(names).filter((name) => names[name])
}

export function checkFunction(callback: unknown, of: string): void {
  if (typeof callback !== 'function') throw new TypeError(`${of} takes a function, not ${describe(callback)}`)
}

/** A text is an iterable too, but never what was meant. */
export function checkIterable(iterable: unknown, of: string): void {
  if (typeof iterable === 'object' && iterable !== null && Symbol.iterator in iterable) return
  throw new TypeError(`${of}, not ${describe(iterable)}`)
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true
  throw new TypeError(`${name} must be true or false, not ${describe(value)}`)
}

export function checkWholeNumber(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${describe(value)}`)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}

/** Returns `ttlMs` if it can be one. */
export function checkTtl(ttlMs: unknown, name = 'ttlMs'): number {
  if (typeof ttlMs !== 'number')
    throw new TypeError(`${name} must be a number of milliseconds, not ${describe(ttlMs)}`)
  if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
    throw new RangeError(`${name} must be above 0 and at most ${MAX_TTL_MS} milliseconds, not ${ttlMs}`)
  }
  return ttlMs
}

/**
 * The options of one call, which have these names and no others. By the properties alone, without making anything: calls
 * are many.
 */
export function checkCallNames<T extends object>(
  options: T | undefined,
  of: string,
  example: string,
  names: ReadonlySet<string>,
): T | undefined {
  const given = checkOptions(options, of, example)
  for (const name in given) {
    if (!names.has(name))
      throw new TypeError(`${of} has no option '${name}'; the options are ${[...names].join(', ')}`)
  }
  return given
}

const TTL_NAMES: ReadonlySet<string> = new Set(['ttlMs'])

/** The ttl that options name, if they do. */
export function ttlOf(
  options: { readonly ttlMs?: number } | undefined,
  of: string,
  names = TTL_NAMES,
): number | undefined {
  const ttlMs = checkCallNames(options, of, '{ ttlMs: 60_000 }', names)?.ttlMs
  return ttlMs === undefined ? undefined : checkTtl(ttlMs)
}
