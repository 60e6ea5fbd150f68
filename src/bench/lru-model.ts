/**
 * Exact LRU over numbers, as the measure of an approximate one: a hit makes its key the youngest, a miss stores its
 * key and drops the oldest beyond the capacity. By a doubly linked list in typed arrays, O(1) an access. For keys
 * 0 to `keys` - 1 and one thread.
 */
const NONE = -1

export class LruModel {
  readonly #capacity: number
  readonly #older: Int32Array
  readonly #younger: Int32Array
  readonly #isHeld: Uint8Array
  #oldest = NONE
  #youngest = NONE
  #size = 0

  constructor(keys: number, capacity: number) {
    if (!(capacity >= 1)) throw new RangeError('an LRU holds at least one key')
    this.#capacity = capacity
    this.#older = new Int32Array(keys).fill(NONE)
    this.#younger = new Int32Array(keys).fill(NONE)
    this.#isHeld = new Uint8Array(keys)
  }

  get size(): number {
    return this.#size
  }

  /** Whether `key` was held; it is now. */
  access(key: number): boolean {
    const wasHeld = this.#isHeld[key] === 1
    if (wasHeld) {
      this.#unlink(key)
    } else {
      if (this.#size === this.#capacity) this.#dropOldest()
      this.#isHeld[key] = 1
      this.#size++
    }
    this.#append(key)
    return wasHeld
  }

  #dropOldest(): void {
    const key = this.#oldest
    this.#unlink(key)
    this.#isHeld[key] = 0
    this.#size--
  }

  #append(key: number): void {
    this.#older[key] = this.#youngest
    this.#younger[key] = NONE
    if (this.#youngest === NONE) this.#oldest = key
    else this.#younger[this.#youngest] = key
    this.#youngest = key
  }

  #unlink(key: number): void {
    const older = this.#older[key] ?? NONE
    const younger = this.#younger[key] ?? NONE
    if (older === NONE) this.#oldest = younger
    else this.#younger[older] = younger
    if (younger === NONE) this.#youngest = older
    else this.#older[younger] = older
  }
}
