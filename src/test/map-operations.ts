/**
 * Every operation of a {@link SharedMap} beside what it is in the plain model, by name: what a random sequence of them draws
 * from. Both sides answer in one form, so that answers can be compared as they are; an expected error is its code.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import type { SharedMap } from '../map/shared-map.js'
import { incrementModel, type MapModel } from './map-model.js'

/** One step of a random sequence: everything that any operation may need. */
export interface Step<V> {
  readonly name: string
  readonly key: string
  readonly keys: readonly string[]
  readonly value: V
  readonly next: V
  readonly ttlMs: number
  readonly by: number
}

interface Operation<V> {
  onMap(map: SharedMap<string, V>, step: Step<V>): unknown
  onModel(model: MapModel<V>, step: Step<V>): unknown
}
export type Operations<V> = Readonly<Record<string, Operation<V>>>

/** What `run` returns, or the code of one expected error. */
function orCode(code: OperationError['code'], run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (isOperationError(error, code)) return code
    throw error
  }
}

/** `map.set` answers the map: no news for the comparison. */
function silent(run: () => unknown): undefined {
  run()
  return undefined
}

function scanned<V>(map: SharedMap<string, V>, count: number): string[] {
  const keys = new Set<string>()
  let cursor = 0
  do {
    const page = map.scan(cursor, { count })
    for (const key of page.keys) keys.add(key)
    cursor = page.cursor
  } while (cursor !== 0)
  return [...keys].sort()
}

/** Key, value and remaining ttl of all entries, by key. */
export function contents<V>(map: SharedMap<string, V>): [string, V, number][] {
  return [...map]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, value, map.remainingTtlMs(key) ?? Number.NaN])
}

/** What every map can do. */
export function operations<V>(): Operations<V> {
  const computed = (step: Step<V>): V | undefined => (step.by % 3 === 0 ? undefined : step.next)
  return {
    get: { onMap: (m, s) => m.get(s.key), onModel: (m, s) => m.get(s.key) },
    has: { onMap: (m, s) => m.has(s.key), onModel: (m, s) => m.get(s.key) !== undefined },
    set: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value)),
      onModel: (m, s) => m.set(s.key, s.value),
    },
    setTtl: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value, { ttlMs: s.ttlMs })),
      onModel: (m, s) => m.set(s.key, s.value, s.ttlMs),
    },
    setKeepTtl: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value, { keepTtl: true })),
      onModel: (m, s) => m.setKeeping(s.key, s.value),
    },
    setIfVersion: {
      onMap: (m, s) => {
        const ifVersion = m.getEntry(s.key)?.version ?? 1
        return orCode('ABORTED', () => silent(() => m.set(s.key, s.value, { ifVersion })))
      },
      onModel: (m, s) => {
        if (m.get(s.key) === undefined) return 'ABORTED'
        return m.set(s.key, s.value)
      },
    },
    setIfOtherVersion: {
      onMap: (m, s) => {
        const ifVersion = (m.getEntry(s.key)?.version ?? 1) + 1
        return orCode('ABORTED', () => m.set(s.key, s.value, { ifVersion }))
      },
      onModel: () => 'ABORTED',
    },
    insert: { onMap: (m, s) => m.insert(s.key, s.value), onModel: (m, s) => m.insert(s.key, s.value) },
    insertTtl: {
      onMap: (m, s) => m.insert(s.key, s.value, { ttlMs: s.ttlMs }),
      onModel: (m, s) => m.insert(s.key, s.value, s.ttlMs),
    },
    replace: { onMap: (m, s) => m.replace(s.key, s.value), onModel: (m, s) => m.replace(s.key, s.value) },
    delete: { onMap: (m, s) => m.delete(s.key), onModel: (m, s) => m.delete(s.key) },
    take: { onMap: (m, s) => m.take(s.key), onModel: (m, s) => m.take(s.key) },
    exchange: { onMap: (m, s) => m.exchange(s.key, s.value), onModel: (m, s) => m.exchange(s.key, s.value) },
    compareAndSet: {
      onMap: (m, s) => m.compareAndSet(s.key, s.value, s.next),
      onModel: (m, s) => m.compareAndSet(s.key, s.value, s.next),
    },
    compareAndSetFound: {
      onMap: (m, s) => m.compareAndSet(s.key, m.get(s.key), s.next),
      onModel: (m, s) => m.compareAndSet(s.key, m.get(s.key), s.next),
    },
    compute: {
      onMap: (m, s) => {
        let seen: V | undefined
        const result = m.compute(s.key, (old) => {
          seen = old
          return computed(s)
        })
        return { seen, result }
      },
      onModel: (m, s) => ({ seen: m.get(s.key), result: m.compute(s.key, computed(s)) }),
    },
    computeThrows: {
      onMap: (m, s) =>
        orCode('REFUSED', () =>
          m.compute(s.key, () => {
            throw new OperationError('REFUSED', 'on purpose')
          }),
        ),
      onModel: () => 'REFUSED',
    },
    getOrInsert: {
      onMap: (m, s) => m.getOrInsert(s.key, s.value),
      onModel: (m, s) => m.getOrInsert(s.key, s.value),
    },
    getOrInsertComputed: {
      onMap: (m, s) => m.getOrInsertComputed(s.key, () => s.value),
      onModel: (m, s) => m.getOrInsert(s.key, s.value),
    },
    getEntry: {
      onMap: (m, s) => {
        const entry = m.getEntry(s.key)
        return entry && { value: entry.value, remainingTtlMs: entry.remainingTtlMs }
      },
      onModel: (m, s) => m.getEntry(s.key),
    },
    getMany: { onMap: (m, s) => m.getMany(s.keys), onModel: (m, s) => s.keys.map((key) => m.get(key)) },
    expire: { onMap: (m, s) => m.expire(s.key, s.ttlMs), onModel: (m, s) => m.expire(s.key, s.ttlMs) },
    persist: { onMap: (m, s) => m.persist(s.key), onModel: (m, s) => m.persist(s.key) },
    remainingTtlMs: {
      onMap: (m, s) => m.remainingTtlMs(s.key),
      onModel: (m, s) => m.remainingTtlMs(s.key),
    },
    scan: {
      onMap: (m, s) => scanned(m, 1 + (Math.abs(s.by) % 5)).filter((key) => m.has(key)),
      onModel: (m) => m.contents().map(([key]) => key),
    },
    clear: {
      onMap: (m, s) => (s.by % 4 === 0 ? m.clear() : undefined),
      onModel: (m, s) => (s.by % 4 === 0 ? m.clear() : undefined),
    },
    wait: {
      onMap: () => undefined,
      onModel: (m, s) => {
        m.nowMs += s.ttlMs
        return undefined
      },
    },
  }
}

export const isInt32 = (sum: number): boolean => sum === (sum | 0)

/** And what it can do with numbers, of which `fits` says which the codec holds. */
export function numericOperations(fits: (sum: number) => boolean): Operations<number> {
  return {
    ...operations<number>(),
    increment: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.increment(s.key, s.by)),
      onModel: (m, s) => incrementModel(m, s.key, s.by, undefined, fits),
    },
    incrementTtl: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.increment(s.key, s.by, { ttlMs: s.ttlMs })),
      onModel: (m, s) => incrementModel(m, s.key, s.by, s.ttlMs, fits),
    },
    hit: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.hit(s.key, { ttlMs: s.ttlMs, by: s.by })),
      onModel: (m, s) => {
        const value = incrementModel(m, s.key, s.by, s.ttlMs, fits)
        return value === 'BAD_VALUE' ? value : { value, remainingTtlMs: m.remainingTtlMs(s.key) }
      },
    },
  }
}
