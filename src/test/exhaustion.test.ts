import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codecs, SharedMap } from '../index.js'
import { type BytesMap, ChoreThread, empty, fill } from './chores.js'

const table = (capacity = '1MiB'): BytesMap =>
  new SharedMap<string, Uint8Array>({ capacity, values: codecs.bytes })

/** Empties the table and sees that nothing is left behind. */
function emptied(map: BytesMap): void {
  empty(map)
  assert.equal(map.size, 0)
  map.check()
}

describe('a table that was full and is emptied', () => {
  for (const valueBytes of [0, 10, 100, 1000, 5000, 70_000]) {
    test(`takes as many values of ${valueBytes} B again, every time`, () => {
      using map = table()
      const first = fill(map, valueBytes)
      assert.ok(first > 0)
      assert.equal(map.size, first)
      map.check()
      emptied(map)
      const rounds = [1, 2, 3].map(() => {
        const count = fill(map, valueBytes)
        map.check()
        emptied(map)
        return count
      })
      assert.deepEqual(rounds, [first, first, first])
    })
  }

  test('gives its pages to other size classes and back', () => {
    const sizes = [20, 3000, 90_000, 300, 40_000, 20]
    const fresh = sizes.map((valueBytes) => {
      using map = table()
      return fill(map, valueBytes)
    })
    using map = table()
    // Bucket lines never become chunks again (a reader may remember a slot): what many small entries have made the
    // buckets grow to is missing for the large ones. Everything else comes back.
    const counts = sizes.map((valueBytes, at) => {
      const count = fill(map, valueBytes)
      map.check()
      assert.ok(count >= (fresh[at] ?? 0) * 0.35, `${count} of ${valueBytes} B, on fresh memory ${fresh[at]}`)
      emptied(map)
      return count
    })
    assert.equal(fill(map, 20), counts[0], 'after all that the table takes as many as it did at first')
  })

  test('takes as many again after clear', () => {
    using map = table()
    const first = fill(map, 100)
    map.clear()
    map.check()
    assert.equal(fill(map, 100), first)
    map.check()
  })

  test('loses no chunk when half the entries are deleted and others of all sizes take their place', () => {
    using map = table()
    const first = fill(map, 64)
    for (let round = 0; round < 5; round++) {
      for (let at = round; at < first; at += 2) map.delete(`f${at}`)
      fillWith(map, `round ${round} `, 50 + 300 * round)
      map.check()
    }
    emptied(map)
    const again = fill(map, 64)
    assert.ok(again >= first * 0.98, `${again} again, ${first} at first`)
  })
})

function fillWith(map: BytesMap, prefix: string, valueBytes: number): void {
  try {
    for (let at = 0; ; at++) map.set(`${prefix}${at}`, new Uint8Array(valueBytes))
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'FULL')
  }
}

describe('memory moves between threads', () => {
  const shape = { chore: 'fill', valueBytes: 100 } as const

  test('what one thread filled and emptied another can fill, while the first is idle', async () => {
    using map = table()
    const [one, other] = [new ChoreThread(map.share(), 'bytes'), new ChoreThread(map.share(), 'bytes')]
    const first = await one.run(shape)
    assert.equal(await one.run({ chore: 'empty' }), first)
    assert.equal(await other.run(shape), first)
    assert.equal(await one.run({ chore: 'empty' }), first)
    assert.equal(fill(map, 100), first)
    map.check()
    await Promise.all([one.leave(), other.leave()])
  })

  test('a thread that closes gives back what it held', async () => {
    using map = table()
    const one = new ChoreThread(map.share(), 'bytes')
    const first = await one.run(shape)
    await one.run({ chore: 'empty' })
    await one.leave()
    assert.equal(fill(map, 100), first)
    map.check()
  })

  test('a thread that is terminated loses nothing', async () => {
    using map = table()
    const one = new ChoreThread(map.share(), 'bytes')
    const first = await one.run(shape)
    await one.run({ chore: 'empty' })
    await one.terminate()
    assert.equal(fill(map, 100), first)
    map.check()
  })
})
