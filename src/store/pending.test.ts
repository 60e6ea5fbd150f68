/** The bookkeeping of pending writes against a plain list: the newest of each key, the number of entries, batches in order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyBuffer } from '../table/key-buffer.js'
import { PendingIndex } from './pending-index.js'
import { PendingQueue } from './pending-queue.js'
import { type PendingWrite, UNSEALED } from './pending-write.js'

class Model {
  readonly queue = new PendingQueue()
  readonly index = new PendingIndex()
  readonly expected: { name: string; lsn: number; isClear: boolean }[] = []
  readonly #key = new KeyBuffer(1, 2)
  #lsn = 0

  keyOf(name: string): KeyBuffer {
    this.#key.setText(name)
    return this.#key
  }

  set(name: string): void {
    const key = this.keyOf(name)
    const older = this.index.find(key)
    const write = this.queue.add()
    write.beDelete(key, 0)
    this.index.add(write, older)
    this.#seal(name, false)
  }

  clear(): void {
    const write = this.queue.add()
    write.beClear()
    this.index.add(write, undefined)
    this.#seal('', true)
  }

  /** The oldest `count` go. */
  apply(count: number): void {
    const upTo = this.expected[Math.min(count, this.expected.length) - 1]?.lsn ?? 0
    for (;;) {
      const batch = this.queue.takeBatch(upTo)
      if (batch === undefined) return
      assert.ok(!Array.isArray(batch))
      const write = batch as PendingWrite
      assert.equal(write.lsn, this.expected.shift()?.lsn)
      this.index.applied(write)
    }
  }

  check(names: readonly string[]): void {
    const clearedAt = this.expected.findLastIndex(({ isClear }) => isClear)
    const seen = this.expected.slice(clearedAt + 1)
    for (const name of names) {
      const newest = seen.findLast((each) => each.name === name)
      assert.equal(this.index.find(this.keyOf(name))?.lsn, newest?.lsn, name)
    }
    assert.equal(this.index.cleared?.lsn, this.expected[clearedAt]?.lsn)
    assert.equal(this.index.delta, 0 - seen.length)
    assert.equal([...this.index.writes()].length, new Set(seen.map(({ name }) => name)).size)
    assert.deepEqual(
      [...this.queue].map(({ lsn }) => lsn),
      this.expected.map(({ lsn }) => lsn),
    )
  }

  #seal(name: string, isClear: boolean): void {
    this.queue.seal(++this.#lsn)
    this.expected.push({ name, lsn: this.#lsn, isClear })
  }
}

const NAMES = Array.from({ length: 8 }, (_, index) => `key ${index}`)

test('what is found is the newest write of the key since the last clear, whatever has been applied', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...NAMES).map((name) => (m: Model) => m.set(name)) },
    { weight: 1, arbitrary: fc.constant((m: Model) => m.clear()) },
    { weight: 3, arbitrary: fc.nat(6).map((count) => (m: Model) => m.apply(count)) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model()
      for (const run of steps) {
        run(model)
        model.check(NAMES)
      }
    }),
  )
})

test('an index of more writes than it began with buckets for finds each of them, and is empty afterwards', () => {
  const model = new Model()
  const names = Array.from({ length: 10_000 }, (_, index) => `many ${index}`)
  for (const name of names) model.set(name)
  model.check(names.filter((_, index) => index % 100 === 0))
  model.index.clear()
  assert.equal([...model.index.writes()].length, 0)
  for (const name of NAMES) assert.equal(model.index.find(model.keyOf(name)), undefined)
})

test('a queue knows what has a position and what is being evaluated, whatever is applied or taken back', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('add' as const) },
    { weight: 2, arbitrary: fc.constant('seal' as const) },
    { weight: 1, arbitrary: fc.constant('apply' as const) },
    { weight: 2, arbitrary: fc.nat(5) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new PendingQueue()
      let expected: number[] = []
      for (const [at, kind] of steps.entries()) {
        if (kind === 'add') {
          queue.add().beClear()
          expected.push(UNSEALED)
        } else if (kind === 'seal') {
          queue.seal(at)
          expected = expected.map((lsn) => (lsn === UNSEALED ? at : lsn))
        } else if (kind === 'apply') {
          const oldest = expected[0] ?? UNSEALED
          const batch = oldest === UNSEALED ? undefined : queue.takeBatch(oldest)
          if (batch !== undefined) expected = expected.filter((lsn) => lsn !== oldest)
        } else {
          for (let left = kind; left > 0; left--) queue.takeLast(() => true)
          expected = expected.slice(0, Math.max(0, expected.length - kind))
        }
        const sealed = expected.filter((lsn) => lsn !== UNSEALED)
        assert.deepEqual(
          [...queue].map(({ lsn }) => lsn),
          expected,
        )
        assert.equal(queue.unsealed, expected.length - sealed.length)
        assert.equal(queue.newest, sealed.at(-1) ?? 0)
        assert.equal(queue.hasSealed, sealed.length > 0)
        assert.equal(queue.isEmpty, expected.length === 0)
      }
    }),
  )
})
