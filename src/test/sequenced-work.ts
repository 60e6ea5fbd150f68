/** Random evaluations on a few keys, as functions of a store: the same ones run on the real store and on a model. */
import { isOperationError } from '../base/errors.js'
import type { SeededRandom } from '../base/random.js'
import { type Store, UNCHANGED } from '../store/store.js'

export type Work = (store: Store) => unknown

const KEYS = 8
const DAY_MS = 24 * 3600 * 1000
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1')

export function randomWork(random: SeededRandom, timeMs: number, longest: number): Work {
  if (random.nextInt(12) > 0) return oneWork(random, timeMs, longest)
  // A transaction, now and then one that is given up at its end.
  const works = Array.from({ length: 2 + random.nextInt(4) }, () => oneWork(random, timeMs, longest))
  const givesUp = random.nextInt(8) === 0
  return (store) => {
    const results: unknown[] = []
    try {
      store.transact((inner) => {
        for (const work of works) results.push(work(inner))
        if (givesUp) throw new RangeError('given up')
      })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      results.push('given up')
    }
    return results
  }
}

function oneWork(random: SeededRandom, timeMs: number, longest: number): Work {
  const key = bytes(`key-${random.nextInt(KEYS)}`)
  const value = bytes(
    `${random.nextInt(1000)}${'x'.repeat(random.nextInt(random.nextInt(20) === 0 ? longest : 50))}`,
  )
  const expiresAtMs = random.nextInt(4) === 0 ? timeMs + DAY_MS / 2 - random.nextInt(DAY_MS) : 'none'
  const laterMs = timeMs + random.nextInt(DAY_MS)
  const kinds: Work[] = [
    (store) => store.set(key, value, expiresAtMs, 'always'),
    (store) => store.set(key, value, 'keep', 'always'),
    (store) => store.set(key, value, expiresAtMs, 'absent'),
    (store) => store.set(key, value, expiresAtMs, 'present'),
    (store) => text(store.exchange(key, value, 'none', 'always').previous),
    (store) => store.delete(key),
    (store) => text(store.take(key)),
    (store) => text(store.get(key)),
    (store) => store.has(key),
    increment(key),
    increment(key),
    increment(key),
    (store) => store.expireAt(key, laterMs),
    (store) => store.persist(key),
    (store) => store.expiresAt(key),
    (store) => {
      const entry = store.entry(key)
      return store.setIfVersion(key, value, 'keep', entry?.version ?? 0)
    },
    (store) => keysOf(store),
    (store) => store.setMany([key, bytes('other')], [value, value]),
  ]
  if (random.nextInt(40) === 0) return (store) => store.clear()
  return kinds[random.nextInt(kinds.length)] ?? (() => undefined)
}

/** What INCR does: the number in the text, one more. */
function increment(key: Buffer): Work {
  return (store) => {
    let result = 0
    store.update(key, 'keep', (current) => {
      result = (Number.parseInt(text(current) ?? '0', 10) || 0) + 1
      return result % 13 === 0 ? UNCHANGED : bytes(String(result))
    })
    return result
  }
}

function keysOf(store: Store): string[] {
  const found: string[] = []
  let cursor = 0
  do {
    const page = store.scan(cursor, 2)
    found.push(...page.keys.map((key) => key.toString('latin1')))
    cursor = page.cursor
  } while (cursor !== 0)
  return found.sort()
}

/** Runs `work`; an expected failure becomes its code. */
export function outcomeOf(run: () => unknown): { readonly value?: unknown; readonly code?: string } {
  try {
    return { value: run() }
  } catch (error) {
    if (!isOperationError(error)) throw error
    return { code: error.code }
  }
}
