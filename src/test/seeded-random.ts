/**
 * A small reproducible source of randomness for harnesses: one 32-bit seed gives one sequence (mulberry32, Tommy
 * Ettinger, public domain). Every harness prints its seed, so that a failure can be run again. One instance belongs
 * to one thread. Not for keys, passwords or anything an adversary may guess.
 */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer in [0, 2^32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound)
  }

  /** True once in `times` on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0]
  }
}

/** The seed of a run: the one the environment gives to repeat a failure (`HEARTH_TEST_SEED`), or a new one. */
export function runSeed(): number {
  const given = process.env['HEARTH_TEST_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
}
