/**
 * Randomness of two kinds. Tests and benchmarks take a seeded generator, so that a failing run can be repeated
 * from the seed it printed: it is fast and even, and anyone who saw a few numbers can tell the next. Keys of
 * hashes take `randomWords`, which nobody can guess.
 */
import { randomFillSync } from 'node:crypto'

export interface SeededRandom {
  /** Evenly spread over 0 <= n < 1, in steps of 2^-32. */
  next(): number
  /** A whole number, 0 <= n < `limit`; `limit` is 1 to 2^32. */
  nextInt(limit: number): number
}

/** Numbers drawn before the first one counts: until then, close seeds give close numbers. */
const WARM_UP = 12

/** The generator sfc32 (Chris Doty-Humphrey, PractRand). The same 32 bits of `seed` give the same numbers for ever. */
export function seededRandom(seed: number): SeededRandom {
  let a = 0
  let b = seed | 0
  let c = 0
  let counter = 1

  function nextWord(): number {
    const word = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return word >>> 0
  }

  for (let drawn = 0; drawn < WARM_UP; drawn++) nextWord()
  return {
    next: () => nextWord() / 2 ** 32,
    nextInt(limit) {
      if (Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 32)
        return Math.floor((nextWord() / 2 ** 32) * limit)
      throw new RangeError(`limit must be a whole number of 1 to ${2 ** 32}, not ${limit}`)
    },
  }
}

/** `count` words of 32 bits from the system's generator. */
export function randomWords(count: number): Uint32Array {
  return randomFillSync(new Uint32Array(count))
}
