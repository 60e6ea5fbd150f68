/**
 * What one scenario of the death test is, and the ways to lay memory out that scenarios share: keys picked by their hash, values
 * of a size class each, tables that are warm, part full or full.
 *
 * Every value that a scenario writes goes through the world, whose model of what may be found follows it.
 */
import { isOperationError } from '../base/errors.js'
import type { Table } from '../table/table.js'
import type { Actor } from './death-stores.js'
import { ABSENT, type World, type WorldShape } from './death-world.js'

export interface Scenario {
  readonly name: string
  readonly shape?: WorldShape
  /** Lays the memory out; `a` is to die, `b` comes after it. */
  prepare(world: World, a: Table, b: Table): void
  /** What A is stopped in. */
  operate(world: World, a: Table, actor: Actor): void
  /** The memory is so full that others may be told FULL. */
  readonly full?: boolean
  /** Nothing can come after it on the same handle. */
  readonly last?: boolean
  /** Times that the system gives memory, of a region that has to ask for it; default: always. */
  readonly commits?: number
  /** Length of the values that B writes: of the class that A worked on. */
  readonly valueBytes?: number
}

export const SMALL = 'small'
export const OTHER = 'another value, long enough that it lies in another size class'
/** Larger than the largest class of a table this small, so pages of its own. */
export const LARGE = 'x'.repeat(6000)

/** `count` keys whose hash `fits`. */
export function keysWhere(
  table: Table,
  count: number,
  fits: (hash: number) => boolean,
  prefix = 'k',
): string[] {
  const keys: string[] = []
  for (let number = 0; keys.length < count; number++) {
    table.key.setText(`${prefix}${number}`)
    if (fits(table.key.hash)) keys.push(`${prefix}${number}`)
  }
  return keys
}

const anyHash = () => true

/** Gives `table` a magazine of small chunks. */
export function warm(world: World, table: Table): void {
  world.put(table, 'warm', SMALL)
  world.remove(table, 'warm')
}

export function fill(world: World, table: Table, count: number, value: string): string[] {
  const keys = keysWhere(table, count, anyHash)
  for (const key of keys) world.put(table, key, value)
  return keys
}

/**
 * Fills the table: large values until few pages are left, then `value` until there is no room; `spare` of these are deleted
 * again, by `table` itself.
 */
export function fillUp(world: World, table: Table, value: string, spare: number): void {
  for (let number = 0; table.space.pages.freePages > 10; number++) world.put(table, `block${number}`, LARGE)
  const keys: string[] = []
  try {
    for (let number = 0; ; number++) {
      world.put(table, `full${number}`, `${value}${number}`)
      keys.push(`full${number}`)
    }
  } catch (error) {
    if (!isOperationError(error, 'FULL')) throw error
    world.change(`full${keys.length}`, ABSENT, () => {})
  }
  for (const key of keys.slice(0, spare)) world.remove(table, key)
}
