/**
 * Which keys have writes of this client on their way: reads of those must go the same way, or they would not see the
 * client's own writes. With a write on its way that names no single key, all reads must.
 *
 * Keys are counted by a small hash, so two keys may share a counter: then a read goes by the lane without need, which
 * is slower and right. Writes that were given up on count until the server has answered them.
 */
const COUNTERS = 4096

/** What an operation may change: `count` it from its submission to its reply. */
export const EFFECT = { NONE: 0, KEY: 1, ALL: 2 } as const
export type Effect = (typeof EFFECT)[keyof typeof EFFECT]

export class UnfinishedWrites {
  readonly #counters = new Uint16Array(COUNTERS)
  #wide = 0
  #all = 0

  /** Writes on their way. */
  get count(): number {
    return this.#all
  }

  /** Begins one; returns what `end` needs. `words` holds the key from word 0. */
  begin(effect: Effect, words: Int32Array, keyBytes: number): number {
    if (effect === EFFECT.NONE) return -1
    this.#all++
    if (effect === EFFECT.ALL) {
      this.#wide++
      return COUNTERS
    }
    const counter = counterOf(words, keyBytes)
    this.#counters[counter]!++
    return counter
  }

  end(counter: number): void {
    if (counter < 0) return
    this.#all--
    if (counter === COUNTERS) this.#wide--
    else this.#counters[counter]!--
  }

  /** Whether the key may be read past the lane. `words` holds it from word 0. */
  mayReadDirectly(words: Int32Array, keyBytes: number): boolean {
    return this.#all === 0 || (this.#wide === 0 && this.#counters[counterOf(words, keyBytes)] === 0)
  }
}

function counterOf(words: Int32Array, keyBytes: number): number {
  let hash = keyBytes
  const whole = keyBytes >>> 2
  for (let i = 0; i < whole; i++) hash = Math.imul(hash ^ words[i]!, 0x9e3779b1)
  const rest = keyBytes & 3
  if (rest !== 0) hash = Math.imul(hash ^ (words[whole]! & ((1 << (rest * 8)) - 1)), 0x9e3779b1)
  return (hash ^ (hash >>> 15)) >>> 20
}
