import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { READ_TEXT } from './reader.js'
import { Space, type TableFacts } from './space.js'
import { Table } from './table.js'
import { ALWAYS, CHANGED, IF_ABSENT, IF_PRESENT, NO_EXPIRY } from './writer.js'

const NOW_MS = 1_000_000

interface Clocked {
  readonly table: Table
  nowMs: number
}

function newTable(facts: Partial<TableFacts> = {}): Clocked {
  const all = tableFacts({ eviction: EVICTION.CLOCK, ...facts })
  const region = SharedArrayRegion.create(Space.regionBytes(all))
  // The same hashes in every run.
  const clocked = { nowMs: NOW_MS } as { table: Table; nowMs: number }
  Table.create(region, all, { lockTimeoutMs: 1000, clock: () => clocked.nowMs }).close()
  const words = region.segments[0]?.words ?? new Int32Array(0)
  words[HEADER.hashKey0] = 0x1234567
  words[HEADER.hashKey1] = 0x7654321
  clocked.table = Table.attach(region, { lockTimeoutMs: 1000, clock: () => clocked.nowMs })
  return clocked
}

function put(table: Table, key: string, value: string, expiresAtMs = NO_EXPIRY, condition = ALWAYS): boolean {
  table.key.setText(key)
  table.value.setText(value)
  return table.put(expiresAtMs, condition)
}

function get(table: Table, key: string): string | undefined {
  table.key.setText(key)
  return table.find(READ_TEXT) ? table.reader.text : undefined
}

/** Puts `count` values of `bytes` and says how many of them are there afterwards. */
function putMany(table: Table, prefix: string, count: number, bytes: number): number {
  const value = prefix.repeat(Math.ceil(bytes / prefix.length)).slice(0, bytes)
  for (let i = 0; i < count; i++) put(table, `${prefix}${i}`, value)
  let there = 0
  for (let i = 0; i < count; i++) {
    const found = get(table, `${prefix}${i}`)
    assert.ok(found === undefined || found === value, 'a value is whole')
    if (found !== undefined) there++
  }
  assert.equal(get(table, `${prefix}${count - 1}`), value, 'the last one is there')
  return there
}

describe('eviction by memory', () => {
  for (const bytes of [10, 100, 1500, 5000, 40_000, 200_000]) {
    test(`ten times the capacity goes in, in values of ${bytes} B`, () => {
      const { table } = newTable()
      const count = Math.ceil((10 * 2 ** 20) / (bytes + 60))
      const there = putMany(table, 'k', count, bytes)
      assert.ok(there > 0 && there < count / 5)
      assert.equal(table.size, there)
      assert.equal(table.stats().evictions, count - there)
      table.check()
      table.close()
    })
  }

  test('values of every size follow each other, large after small and small after large', () => {
    const { table } = newTable()
    for (const bytes of [20, 30_000, 300, 150_000, 20, 3000, 100_000, 700, 8]) {
      const there = putMany(table, `s${bytes} `, Math.ceil(2 ** 22 / (bytes + 60)), bytes)
      // Bucket lines never become chunks again; what small entries have made them grow to is missing for others.
      assert.ok(there * (bytes + 60) > 2 ** 20 / 8, `${there} of ${bytes} B`)
      table.check()
    }
    table.close()
  })

  test('a value that can never fit is FULL, and nothing else is', () => {
    const { table } = newTable()
    putMany(table, 'k', 5000, 100)
    assert.throws(
      () => put(table, 'large', 'x'.repeat(2 ** 20)),
      (error) =>
        isOperationError(error, 'FULL') && /larger capacity or store smaller values/.test(String(error)),
    )
    put(table, 'k', 'after')
    assert.equal(get(table, 'k'), 'after')
    table.check()
    table.close()
  })

  test('entries that are read again and again survive a long scan', () => {
    const { table } = newTable()
    putMany(table, 'filler', 20_000, 100)
    const hot = Array.from({ length: 200 }, (_, i) => `hot${i}`)
    for (const key of hot) put(table, key, 'h'.repeat(100))
    let missed = 0
    for (let i = 0; i < 60_000; i++) {
      put(table, `scan${i}`, 's'.repeat(100))
      const key = hot[(i / 5) % hot.length] ?? ''
      if (i % 5 !== 0 || get(table, key) !== undefined) continue
      missed++
      put(table, key, 'h'.repeat(100))
    }
    assert.ok(missed < 120, `${missed} of 12 000 reads missed`)
    table.close()
  })

  test('entries that are only written to count as used', () => {
    const { table } = newTable({ maxEntries: 500 })
    const count = (): void => {
      table.key.setText('counter')
      const outcome = table.writer.changeNumber(table.key, 4, (segment, at, open) => {
        open()
        Atomics.add(segment.words, at, 1)
        return CHANGED
      })
      assert.equal(outcome, CHANGED)
    }
    put(table, 'counter', '\0\0\0\0')
    put(table, 'replaced', 'v')
    for (let i = 0; i < 20_000; i++) {
      put(table, `scan${i}`, 's')
      if (i % 100 === 0) count()
      if (i % 100 === 50) assert.ok(put(table, 'replaced', 'v', NO_EXPIRY, IF_PRESENT))
    }
    table.check()
    table.close()
  })

  test('what has expired goes before what has not', () => {
    const clocked = newTable()
    const { table } = clocked
    for (let i = 0; i < 2000; i++) put(table, `short${i}`, 's'.repeat(200), NOW_MS + 10)
    for (let i = 0; i < 300; i++) put(table, `long${i}`, 'l'.repeat(200))
    for (let i = 0; i < 300; i++) assert.ok(get(table, `long${i}`))
    clocked.nowMs += 20
    for (let i = 0; i < 2500; i++) put(table, `new${i}`, 'n'.repeat(200))
    assert.ok(table.stats().expirations > 500, `${table.stats().expirations} expired`)
    for (let i = 0; i < 300; i++) assert.ok(get(table, `long${i}`))
    table.check()
    table.close()
  })
})

describe('a limit on the number of entries', () => {
  test('without eviction, one more is FULL, names the limit, and changes nothing', () => {
    const { table } = newTable({ eviction: EVICTION.NONE, maxEntries: 100 })
    for (let i = 0; i < 100; i++) put(table, `k${i}`, 'v')
    assert.throws(
      () => put(table, 'one more', 'v'),
      (error) => isOperationError(error, 'FULL') && /100 entries.*maxEntries/.test(String(error)),
    )
    assert.equal(table.size, 100)
    put(table, 'k5', 'replaced')
    assert.equal(get(table, 'k5'), 'replaced')
    assert.equal(put(table, 'k5', 'v', NO_EXPIRY, IF_ABSENT), false)
    table.key.setText('k7')
    table.delete()
    put(table, 'one more', 'v')
    assert.throws(() => put(table, 'two more', 'v'), /maxEntries/)
    table.check()
    table.clear()
    for (let i = 0; i < 100; i++) put(table, `k${i}`, 'v')
    table.check()
    table.close()
  })

  for (const maxEntries of [1, 2, 7, 1000]) {
    test(`with eviction, there are never more than ${maxEntries}`, () => {
      const { table } = newTable({ maxEntries })
      for (let i = 0; i < 3000; i++) {
        put(table, `k${i}`, 'v'.repeat(i % 90))
        assert.ok(table.size <= maxEntries)
        assert.ok(get(table, `k${i}`) !== undefined)
      }
      assert.equal(table.size, maxEntries)
      assert.equal(table.stats().evictions, 3000 - maxEntries)
      table.check()
      table.close()
    })
  }

  test('a count that a death has left too high is put right before anybody is told FULL', () => {
    const { table } = newTable({ eviction: EVICTION.NONE, maxEntries: 10 })
    for (let i = 0; i < 9; i++) put(table, `k${i}`, 'v')
    Atomics.add(table.space.words, HEADER.entries, 1)
    Atomics.store(table.space.words, HEADER.recountDue, 1)
    put(table, 'tenth', 'v')
    assert.throws(() => put(table, 'eleventh', 'v'), /maxEntries/)
    table.check()
    table.close()
  })
})

/** Exact LRU over a Map: the first key is the one used longest ago. */
class ExactLru {
  readonly #keys = new Map<number, true>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  access(key: number): boolean {
    const wasHeld = this.#keys.delete(key)
    if (!wasHeld && this.#keys.size === this.#capacity) this.#keys.delete(this.#keys.keys().next().value ?? 0)
    this.#keys.set(key, true)
    return wasHeld
  }
}

/** Keys by Zipf's law with exponent 0.99, from a fixed sequence of numbers (Lehmer's generator). */
function zipfKeys(keys: number, count: number): number[] {
  const cumulated: number[] = []
  for (let rank = 1, sum = 0; rank <= keys; rank++) cumulated.push((sum += rank ** -0.99))
  const total = cumulated.at(-1) ?? 0
  let state = 20_261_121
  return Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647
    const wanted = (state / 2_147_483_647) * total
    let low = 0
    for (let high = keys - 1; low < high; ) {
      const middle = (low + high) >>> 1
      if ((cumulated[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  })
}

test('the hit ratio on Zipf 0.99 with a tenth of the keys is at most 3 points below that of exact LRU', () => {
  const keys = 20_000
  const { table } = newTable({ capacityBytes: 2 ** 22, maxEntries: keys / 10 })
  const lru = new ExactLru(keys / 10)
  const requests = zipfKeys(keys, 150_000)
  let [hits, lruHits] = [0, 0]
  for (const [at, key] of requests.entries()) {
    const isHit = get(table, `k${key}`) !== undefined
    if (!isHit) put(table, `k${key}`, 'value')
    const isLruHit = lru.access(key)
    if (at < 50_000) continue
    if (isHit) hits++
    if (isLruHit) lruHits++
  }
  assert.ok(hits >= lruHits - 3000, `${hits} hits, exact LRU ${lruHits}, of 100 000`)
  table.check()
  table.close()
})
