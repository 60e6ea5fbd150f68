/**
 * What the workers of a termination run write down outside the table, in memory that outlives them: for each of their
 * keys the value that was acknowledged, and the one that is on its way. Whoever finds the worker dead knows what the
 * table may hold: the one or the other.
 *
 * A key has one owner at a time, who alone writes its row; after its death, who looks at what it has left.
 */
const ACKNOWLEDGED = 0
const PENDING = 1
const EXPIRES = 2
const ROW_WORDS = 3
const SEQUENCE = 0
const OPERATIONS = 1
const PLACE_WORDS = 2
const STOP = 0
const CALM = 1
const EVICTS = 2
const FIRST_PLACE = 3

/** No value is on its way. Values are above 0; 0 is absent. */
const NOTHING_PENDING = -1

const NOT_CALM = new Int32Array(new SharedArrayBuffer(8)).fill(1)

export class TerminateBoard {
  readonly #words: Int32Array
  /** Where a sleep is possible: memory that is mapped from a file cannot be slept on by Atomics. */
  readonly #sleepsOn: Int32Array
  readonly #keys: number
  readonly #at: number

  /** The rows of worker number `place`. */
  constructor(shared: SharedArrayBuffer | ArrayBuffer, keys: number, place: number) {
    this.#words = new Int32Array(shared)
    this.#sleepsOn = shared instanceof SharedArrayBuffer ? this.#words : NOT_CALM
    this.#keys = keys
    this.#at = FIRST_PLACE + place * (PLACE_WORDS + keys * ROW_WORDS)
  }

  static create(places: number, keys: number): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(TerminateBoard.bytes(places, keys))
    TerminateBoard.initialise(shared, places, keys)
    return shared
  }

  static bytes(places: number, keys: number): number {
    return (FIRST_PLACE + places * (PLACE_WORDS + keys * ROW_WORDS)) * 4
  }

  static initialise(shared: SharedArrayBuffer | ArrayBuffer, places: number, keys: number): void {
    for (let place = 0; place < places; place++) {
      const board = new TerminateBoard(shared, keys, place)
      for (let key = 0; key < keys; key++) board.settle(key, 0)
    }
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1)
  }

  /** Whether workers are to go on slowly, since others are being born and need the processor. */
  get calm(): boolean {
    return Atomics.load(this.#words, CALM) === 1
  }

  setCalm(calm: boolean): void {
    Atomics.store(this.#words, CALM, calm ? 1 : 0)
    if (!calm) Atomics.notify(this.#words, CALM)
  }

  /** From now on any entry may be gone at any time: the table evicts. */
  setEvicts(): void {
    Atomics.store(this.#words, EVICTS, 1)
  }

  /** A short sleep while it is calm. */
  nap(): void {
    Atomics.wait(this.#sleepsOn, CALM, 1, 1)
  }

  /** Operations that this place has finished, its former owners' included. */
  get operations(): number {
    return Atomics.load(this.#words, this.#at + OPERATIONS)
  }

  /** A value that was never used in this place. */
  nextValue(): number {
    return Atomics.add(this.#words, this.#at + SEQUENCE, 1) + 1
  }

  #row(key: number): number {
    return this.#at + PLACE_WORDS + (key % this.#keys) * ROW_WORDS
  }

  acknowledged(key: number): number {
    return Atomics.load(this.#words, this.#row(key) + ACKNOWLEDGED)
  }

  /** Whether a table that holds `value` (0: nothing) is right. */
  allows(key: number, value: number): boolean {
    const row = this.#row(key)
    return (
      value === this.acknowledged(key) ||
      value === Atomics.load(this.#words, row + PENDING) ||
      (value === 0 &&
        (Atomics.load(this.#words, row + EXPIRES) === 1 || Atomics.load(this.#words, EVICTS) === 1))
    )
  }

  /** Before an operation that leaves `value`, or with a ttl perhaps nothing. */
  begin(key: number, value: number, expires = false): void {
    if (expires) Atomics.store(this.#words, this.#row(key) + EXPIRES, 1)
    Atomics.store(this.#words, this.#row(key) + PENDING, value)
  }

  /** After it. */
  end(key: number, value: number, expires = false): void {
    const row = this.#row(key)
    Atomics.store(this.#words, row + ACKNOWLEDGED, value)
    Atomics.store(this.#words, row + PENDING, NOTHING_PENDING)
    if (!expires) Atomics.store(this.#words, row + EXPIRES, 0)
    Atomics.add(this.#words, this.#at + OPERATIONS, 1)
  }

  /** The operation did not happen. */
  cancel(key: number): void {
    Atomics.store(this.#words, this.#row(key) + PENDING, NOTHING_PENDING)
  }

  /** The key was found to hold `value`. */
  settle(key: number, value: number): void {
    Atomics.store(this.#words, this.#row(key) + ACKNOWLEDGED, value)
    Atomics.store(this.#words, this.#row(key) + PENDING, NOTHING_PENDING)
  }

  describe(key: number): string {
    const row = this.#row(key)
    const [acknowledged, pending, expires] = this.#words.subarray(row, row + ROW_WORDS)
    return `acknowledged ${acknowledged}, pending ${pending}${expires === 1 ? ', may expire' : ''}`
  }
}
