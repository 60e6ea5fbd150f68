/**
 * A store and a plain model of it under the same random calls: every answer must be the same, and so must be what
 * is there in the end. Expiry is set and read here, never waited for. A failure prints the seed and the shortest run.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Condition, Expiry, Store } from '../store/store.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The keys that a walk from `cursor` to its end gives, one character a byte. */
export function walkFrom(store: Store, from: number): string[] {
  const seen: string[] = []
  let cursor = from
  do {
    const page = store.scan(cursor, 100)
    seen.push(...page.keys.map((key) => key.toString('latin1')))
    cursor = page.cursor
  } while (cursor !== 0)
  return seen
}

/** The meaning of the calls in the plainest words. */
class Model {
  readonly entries = new Map<string, { value: string; expiresAtMs: number }>()

  exchange(key: string, value: string, expiry: Expiry, condition: Condition) {
    const old = this.entries.get(key)
    const stored = condition === 'always' || (condition === 'present') === (old !== undefined)
    const kept = expiry === 'keep' ? (old?.expiresAtMs ?? Infinity) : expiry === 'none' ? Infinity : expiry
    if (stored) this.entries.set(key, { value, expiresAtMs: kept })
    return { stored, previous: old?.value }
  }
}

const key = fc.constantFrom('', 'a', 'b', 'c', 'long'.repeat(50))
const value = fc.string({ unit: 'binary-ascii', maxLength: 300 })
const laterMs = fc.integer({ min: 1_000_000, max: 1_000_000_000 })
const expiry = fc.oneof(fc.constantFrom('none' as const, 'keep' as const), laterMs)
const condition = fc.constantFrom<Condition>('always', 'absent', 'present')

type Step = (store: Store, model: Model, startMs: number) => void

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, value, expiry, condition).map(
    ([k, v, e, c]): Step =>
      (store, model, startMs) => {
        const at = typeof e === 'number' ? startMs + e : e
        const { stored, previous } = store.exchange(bytes(k), bytes(v), at, c)
        assert.deepEqual({ stored, previous: previous?.toString('latin1') }, model.exchange(k, v, at, c))
      },
  ),
  fc.tuple(key, value, expiry, condition).map(
    ([k, v, e, c]): Step =>
      (store, model, startMs) => {
        const at = typeof e === 'number' ? startMs + e : e
        assert.equal(store.set(bytes(k), bytes(v), at, c), model.exchange(k, v, at, c).stored)
      },
  ),
  key.map(
    (k): Step =>
      (store, model) =>
        assert.equal(store.delete(bytes(k)), model.entries.delete(k)),
  ),
  key.map(
    (k): Step =>
      (store, model) => {
        assert.equal(store.take(bytes(k))?.toString('latin1'), model.entries.get(k)?.value)
        model.entries.delete(k)
      },
  ),
  fc.tuple(key, laterMs).map(
    ([k, ms]): Step =>
      (store, model, startMs) => {
        const entry = model.entries.get(k)
        if (entry !== undefined) entry.expiresAtMs = startMs + ms
        assert.equal(store.expireAt(bytes(k), startMs + ms), entry !== undefined)
      },
  ),
  key.map(
    (k): Step =>
      (store, model) => {
        const entry = model.entries.get(k)
        assert.equal(store.persist(bytes(k)), entry !== undefined && entry.expiresAtMs !== Infinity)
        if (entry !== undefined) entry.expiresAtMs = Infinity
      },
  ),
  fc.constant<Step>((store, model) => {
    store.clear()
    model.entries.clear()
  }),
)

/** Throws when they differ. Leaves the store filled. */
export function followsModel(store: Store): void {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (run) => {
      store.clear()
      const model = new Model()
      const startMs = store.nowMs()
      for (const step of run) step(store, model, startMs)
      assert.equal(store.size, model.entries.size)
      assert.deepEqual(walkFrom(store, 0).sort(), [...model.entries.keys()].sort())
      for (const [k, entry] of model.entries) {
        assert.equal(store.get(bytes(k))?.toString('latin1'), entry.value)
        assert.equal(store.expiresAt(bytes(k)), entry.expiresAtMs)
      }
    }),
    { numRuns: 200 },
  )
}
