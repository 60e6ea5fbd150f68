/**
 * Trials: a scenario's operation is stopped after its n-th store, then others go on in the same memory, and each of them
 * may die as well. Whatever happened, the last one must find a table that passes `check()` (which accounts for every
 * chunk, line and page), with every entry as it was or as it was to become, and nothing held by anybody.
 */
import { strict as assert } from 'node:assert'
import { isOperationError } from '../base/errors.js'
import type { Table } from '../table/table.js'
import type { Ground, GroundMaker } from './death-ground.js'
import type { InstrumentedBuild } from './death-instrument.js'
import type { Scenario } from './death-start.js'
import { type Actor, storeHook } from './death-stores.js'
import { World } from './death-world.js'
import type { SeededRandom } from './seeded-random.js'

/** One after the other: who, and how many stores it may do. The first does the operation, the others what comes after. */
export type Acts = readonly (readonly [actor: string, stores: number])[]

/** About as many stores as a survivor needs: for settling, and for what it does afterwards. */
const MOST_REPAIR_STORES = 300
const NEW_SIZES: Readonly<Record<string, number>> = { A: 170, B: 190, C: 210, D: 230 }
const FOREVER = Number.POSITIVE_INFINITY

export class Trials {
  readonly #scenario: Scenario
  readonly #world: World
  count = 0

  constructor(build: InstrumentedBuild, scenario: Scenario, ground?: GroundMaker) {
    this.#scenario = scenario
    this.#world = new World(build, scenario.shape ?? {}, ground)
    const [a, b] = ['A', 'B', 'C', 'D'].map((name) => this.#world.tableOf(this.#world.actor(name)))
    scenario.prepare(this.#world, a as Table, b as Table)
    this.#world.keep()
    ;(b as Table).check()
    this.#world.reset()
  }

  /** The first segment of the shared memory, and the record of a participant in it. */
  get words(): Int32Array {
    return this.#world.tableOf(this.#world.actor('A')).space.words
  }

  recordOf(actor: string): number {
    return this.#world.tableOf(this.#world.actor(actor)).space.registry.at
  }

  get ground(): Ground {
    return this.#world.ground
  }

  close(): void {
    this.#world.ground.close()
  }

  /** Deaths of A after every store, and B after it; returns the number of stores of the operation. */
  everyDeath(): number {
    for (let n = 0; ; n++)
      if (
        this.run([
          ['A', n],
          ['B', FOREVER],
        ])[0] === true
      )
        return n
  }

  /** A thrown out after every store but alive, so that it finds its own locks. */
  everyThrow(): void {
    for (let n = 0; ; n++)
      if (
        this.run([
          ['A', n],
          ['A', FOREVER],
          ['B', FOREVER],
        ])[0] === true
      )
        return
  }

  /** `count` runs in which A dies, then B, then C, each anywhere. */
  someDeaths(count: number, stores: number, random: SeededRandom): void {
    for (let i = 0; i < count; i++) {
      const b = ['B', random.below(MOST_REPAIR_STORES)] as const
      const c = ['C', random.below(MOST_REPAIR_STORES)] as const
      const second = this.#scenario.last !== true && random.oneIn(4) ? (['A', b[1]] as const) : b
      const third = random.oneIn(2) ? [c] : []
      this.run([['A', random.below(stores)], second, ...third, ['D', FOREVER]])
    }
  }

  /** After a death of A at its n-th store, deaths of `second` after every store of what it does then. */
  everySecondDeath(n: number, second: 'A' | 'B'): void {
    for (let m = 0; ; m++)
      if (
        this.run([
          ['A', n],
          [second, m],
          ['C', FOREVER],
        ])[1] === true
      )
        return
  }

  /** Runs the acts from the prepared memory; returns which of them came to their end. The last one must. */
  run(acts: Acts): boolean[] {
    this.#world.reset()
    this.count++
    const ended: boolean[] = []
    try {
      for (const [index, [name, stores]] of acts.entries()) {
        const actor = this.#world.actor(name)
        actor.left = stores
        actor.dead = false
        this.#world.ground.settleFates()
        ended.push(storeHook.as(actor, () => (index === 0 ? this.#operate(actor) : this.#goOn(actor))))
      }
      assert.equal(ended.at(-1), true, 'the last one lives')
    } catch (error) {
      const story = acts.map(([name, stores]) => `${name} ${stores}`).join(', ')
      throw new Error(`${this.#scenario.name}: [${story}]: ${(error as Error).message}`, { cause: error })
    }
    return ended
  }

  #operate(actor: Actor): void {
    this.#scenario.operate(this.#world, this.#world.tableOf(actor), actor)
  }

  /** What a survivor does: uses the same stripe, class, pool and desks, then looks at everything. */
  #goOn(actor: Actor): void {
    const world = this.#world
    const table = world.tableOf(actor)
    world.ground.waits = 0
    const key = `after ${actor.name}`
    const size = this.#scenario.valueBytes ?? 5
    // A size that nobody has used: it waits for the pool with the lock of its class in hand, and takes fresh pages.
    this.#unlessFull(() => world.put(table, `${key} new`, 'n'.repeat(NEW_SIZES[actor.name] ?? 0)))
    this.#unlessFull(() => world.put(table, key, 'v'.repeat(size)))
    world.remove(table, key)
    this.#unlessFull(() => world.put(table, `${key} large`, 'l'.repeat(6000)))
    world.remove(table, `${key} large`)
    table.space.registry.settleDead()
    table.check()
    world.compare(table)
    world.assertNothingHeld(table)
  }

  #unlessFull(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (this.#scenario.full !== true || !isOperationError(error, 'FULL')) throw error
    }
  }
}
