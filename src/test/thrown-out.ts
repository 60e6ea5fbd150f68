/**
 * Every operation of a map, as something that can be thrown out of at any point: by a `vm` timeout, by a stack that is
 * full, by a codec. Beside the map stands a model, which knows what each key may hold after a throw: the old value or
 * the new one. Values are numbers, stored as they are or as texts of several sizes.
 *
 * Not for concurrency: one thread, which is thrown out and goes on.
 */
import assert from 'node:assert/strict'
import { formOf, type ScheduledMap, type ValueForm } from './schedule-program.js'

export type Value = number | undefined

export interface MapOperation {
  readonly name: string
  run(map: ScheduledMap, key: string, value: unknown): void
  /** What the key holds afterwards. Default: the new value. */
  next?(old: Value, value: number): Value
  /** It is done to every key. */
  readonly all?: true
}

const LONG_MS = 3_600_000
const unchanged = (old: Value): Value => old
const absent = (): Value => undefined
const kept = (old: Value, value: number): Value => old ?? value
const replaced = (old: Value, value: number): Value => (old === undefined ? undefined : value)

/** Operations for values of any kind. */
export const OPERATIONS: readonly MapOperation[] = [
  { name: 'get', run: (map, key) => map.get(key), next: unchanged },
  { name: 'has', run: (map, key) => map.has(key), next: unchanged },
  { name: 'getEntry', run: (map, key) => map.getEntry(key), next: unchanged },
  { name: 'getMany', run: (map, key) => map.getMany([key, 'key 1', 'key 2']), next: unchanged },
  { name: 'set', run: (map, key, value) => map.set(key, value) },
  { name: 'set with a ttl', run: (map, key, value) => map.set(key, value, { ttlMs: LONG_MS }) },
  { name: 'set with keepTtl', run: (map, key, value) => map.set(key, value, { keepTtl: true }) },
  {
    name: 'set with ifVersion',
    run(map, key, value) {
      const entry = map.getEntry(key)
      if (entry !== undefined) map.set(key, value, { ifVersion: entry.version })
    },
    next: replaced,
  },
  { name: 'setMany', run: (map, key, value) => map.setMany([[key, value]]) },
  { name: 'insert', run: (map, key, value) => map.insert(key, value), next: kept },
  { name: 'replace', run: (map, key, value) => map.replace(key, value), next: replaced },
  { name: 'delete', run: (map, key) => map.delete(key), next: absent },
  { name: 'take', run: (map, key) => map.take(key), next: absent },
  { name: 'exchange', run: (map, key, value) => map.exchange(key, value) },
  {
    name: 'compareAndSet',
    run: (map, key, value) => map.compareAndSet(key, map.get(key), value),
  },
  { name: 'compute', run: (map, key, value) => map.compute(key, () => value) },
  { name: 'compute to delete', run: (map, key) => map.compute(key, () => undefined), next: absent },
  { name: 'getOrInsert', run: (map, key, value) => map.getOrInsert(key, value), next: kept },
  {
    name: 'getOrInsertComputed',
    run: (map, key, value) => map.getOrInsertComputed(key, () => value),
    next: kept,
  },
  { name: 'expire', run: (map, key) => map.expire(key, LONG_MS), next: unchanged },
  { name: 'persist', run: (map, key) => map.persist(key), next: unchanged },
  { name: 'remainingTtlMs', run: (map, key) => map.remainingTtlMs(key), next: unchanged },
  { name: 'size', run: (map) => map.size, next: unchanged },
  { name: 'keys', run: (map) => [...map.keys()], next: unchanged },
  { name: 'values', run: (map) => [...map.values()], next: unchanged },
  { name: 'entries', run: (map) => [...map], next: unchanged },
  { name: 'forEach', run: (map) => map.forEach(() => {}), next: unchanged },
  { name: 'scan', run: (map) => map.scan(0, { count: 100 }), next: unchanged },
  { name: 'stats', run: (map) => map.stats(), next: unchanged },
  { name: 'check', run: (map) => map.check(), next: unchanged },
  { name: 'clear', run: (map) => map.clear(), next: absent, all: true },
]

/** Operations for numbers alone; they add what is given as the value. */
export const COUNTING: readonly MapOperation[] = [
  {
    name: 'increment',
    run: (map, key, value) => map.increment(key, value as number),
    next: (old, value) => (old ?? 0) + value,
  },
  {
    name: 'hit',
    run: (map, key, value) => map.hit(key, { ttlMs: LONG_MS, by: value as number }),
    next: (old, value) => (old ?? 0) + value,
  },
]

/** A map and what it must hold. */
export class ModelledMap {
  readonly map: ScheduledMap
  readonly #values: ValueForm
  readonly #model = new Map<string, number>()
  /** What the keys of an unfinished operation may hold. */
  readonly #pending = new Map<string, readonly Value[]>()

  constructor(map: ScheduledMap, values: ValueForm) {
    this.map = map
    this.#values = values
  }

  /** Does `operation`; may be thrown out of anywhere. */
  perform(operation: MapOperation, key: string, value: number): void {
    const { next = (_: Value, given: number): Value => given } = operation
    const keys = operation.all === true ? [...this.#model.keys()] : [key]
    for (const each of keys) {
      const old = this.#model.get(each)
      this.#pending.set(each, [old, next(old, value)])
    }
    operation.run(this.map, key, formOf(this.#values).write(value))
    for (const [each, [, after]] of this.#pending) this.#put(each, after)
    this.#pending.clear()
  }

  /** After a throw: each key of the unfinished operation holds the old value or the new one, and the model that. */
  reconcile(): void {
    for (const [key, allowed] of this.#pending) {
      const found = this.#look(key)
      assert.ok(allowed.includes(found), `${key} holds ${found}, not one of ${allowed}`)
      this.#put(key, found)
    }
    this.#pending.clear()
  }

  /** Everything is as it should be. */
  verify(): void {
    this.map.check()
    assert.equal(this.map.size, this.#model.size)
    for (const [key, value] of this.#model) assert.equal(this.#look(key), value, key)
  }

  #put(key: string, value: Value): void {
    if (value === undefined) this.#model.delete(key)
    else this.#model.set(key, value)
  }

  #look(key: string): Value {
    const stored = this.map.get(key)
    return stored === undefined ? undefined : formOf(this.#values).read(stored)
  }
}
