/**
 * A tiny table over a SharedArrayBuffer, correct or broken on purpose: the canary that shows that a history run can
 * fail. Each key is three words: lock, present, value. Faults:
 * - `none`: every operation under the key's spin lock; must be accepted.
 * - `lost-update`: now and then a read-modify-write runs without the lock and loses what came between.
 * - `stale-read`: now and then a get answers what this thread saw some reads ago.
 * - `late-write`: now and then a set returns before it is stored, and is stored at this thread's next operation.
 * - `half-delete`: now and then delete says that it did and leaves the value.
 * Not for anything but tests of the harness.
 */
import type { Register } from './linearizability.js'
import { SeededRandom } from './seeded-random.js'
import type { Subject } from './subject.js'

export const FAULTS = ['none', 'lost-update', 'stale-read', 'late-write', 'half-delete'] as const
export type Fault = (typeof FAULTS)[number]

export interface BrokenTableHandle {
  readonly words: SharedArrayBuffer
  readonly fault: Fault
}

const WORDS_PER_KEY = 3
const LOCK = 0
const PRESENT = 1
const VALUE = 2
const FAULT_EVERY = 40

export function brokenTableHandle(keys: number, fault: Fault): BrokenTableHandle {
  return { words: new SharedArrayBuffer(keys * WORDS_PER_KEY * 4), fault }
}

export class BrokenTable implements Subject {
  readonly #words: Int32Array
  readonly #fault: Fault
  readonly #random: SeededRandom
  readonly #sleepWord = new Int32Array(new SharedArrayBuffer(4))
  readonly #seen = new Map<number, Register>()
  #late: (() => void) | undefined

  constructor(handle: BrokenTableHandle, seed: number) {
    this.#words = new Int32Array(handle.words)
    this.#fault = handle.fault
    this.#random = new SeededRandom(seed)
  }

  #strikes(fault: Fault): boolean {
    return this.#fault === fault && this.#random.oneIn(FAULT_EVERY)
  }

  #read(key: number): Register {
    const base = key * WORDS_PER_KEY
    return Atomics.load(this.#words, base + PRESENT) === 1
      ? Atomics.load(this.#words, base + VALUE)
      : undefined
  }

  #write(key: number, value: Register): void {
    const base = key * WORDS_PER_KEY
    Atomics.store(this.#words, base + VALUE, value ?? 0)
    Atomics.store(this.#words, base + PRESENT, value === undefined ? 0 : 1)
  }

  #update(key: number, next: (old: Register) => Register): Register {
    this.#late?.()
    const lock = key * WORDS_PER_KEY + LOCK
    const locks = !this.#strikes('lost-update')
    while (locks && Atomics.compareExchange(this.#words, lock, 0, 1) !== 0);
    const old = this.#read(key)
    if (!locks) Atomics.wait(this.#sleepWord, 0, 0, 1)
    this.#write(key, next(old))
    if (locks) Atomics.store(this.#words, lock, 0)
    return old
  }

  get(key: number): Register {
    const found = this.#update(key, (old) => old)
    const stale = this.#seen.get(key)
    if (stale !== undefined && this.#strikes('stale-read')) return stale
    if (this.#random.oneIn(4)) this.#seen.set(key, found)
    return found
  }

  has(key: number): boolean {
    return this.get(key) !== undefined
  }

  set(key: number, value: number): void {
    if (this.#strikes('late-write')) {
      this.#late?.()
      // A nap, so that others can run whole operations between the answer and the store.
      this.#late = () => {
        this.#late = undefined
        Atomics.wait(this.#sleepWord, 0, 0, 1)
        this.#update(key, () => value)
      }
    } else this.#update(key, () => value)
  }

  insert(key: number, value: number): boolean {
    return this.#update(key, (old) => old ?? value) === undefined
  }

  replace(key: number, value: number): boolean {
    return this.#update(key, (old) => (old === undefined ? undefined : value)) !== undefined
  }

  delete(key: number): boolean {
    return this.take(key) !== undefined
  }

  take(key: number): Register {
    if (this.#strikes('half-delete')) return this.#update(key, (old) => old)
    return this.#update(key, () => undefined)
  }

  exchange(key: number, value: number): Register {
    return this.#update(key, () => value)
  }

  compareAndSet(key: number, expected: Register, next: number): boolean {
    return this.#update(key, (old) => (old === expected ? next : old)) === expected
  }

  increment(key: number, by: number): number {
    return (this.#update(key, (old) => (old ?? 0) + by) ?? 0) + by
  }

  getOrInsert(key: number, value: number): number {
    return this.#update(key, (old) => old ?? value) ?? value
  }

  compute(key: number, next: (old: Register) => Register): Register {
    return this.#update(key, next)
  }

  getMany(keys: readonly number[]): Register[] {
    return keys.map((key) => this.get(key))
  }

  setMany(entries: readonly (readonly [number, number])[]): void {
    for (const [key, value] of entries) this.set(key, value)
  }

  clear(): void {
    for (let key = 0; key * WORDS_PER_KEY < this.#words.length; key++) this.#update(key, () => undefined)
  }

  churn(): void {}

  check(): void {}
}
