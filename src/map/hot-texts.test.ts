import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HEADER } from '../memory/header.js'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import { KeyBuffer } from '../table/key-buffer.js'
import type { MapOptions } from './options.js'
import { SharedMap } from './shared-map.js'

/** More reads than the first pause and a trial take, so that texts are kept and asked for. */
const WARMING_READS = 8192

type Texts = SharedMap<string, string>

interface Pair {
  /** Reads, with texts kept. */
  readonly reader: Texts
  /** Another user of the same table, as another thread would be. */
  readonly writer: Texts
}

function warmPair(options: MapOptions<string, string> = {}): Pair {
  const writer = new SharedMap<string, string>({ capacity: '1MiB', stripes: 1, ...options })
  const reader = SharedMap.attach<string, string>(
    writer.share(),
    options.clock === undefined ? {} : { clock: options.clock },
  )
  for (let i = 0; i < 64; i++) writer.set(`key ${i}`, `first ${i}`)
  for (let i = 0; i < WARMING_READS; i++) assert.equal(reader.get(`key ${i % 64}`), `first ${i % 64}`)
  return { reader, writer }
}

function close({ reader, writer }: Pair): void {
  writer.check()
  reader.close()
  writer.close()
}

/** Two keys of one length that this table gives the same 32-bit hash. */
function collidingKeys(map: Texts): [string, string] {
  const { region } = map.share()
  assert.equal(region.kind, 'threads')
  const { words } = SharedArrayRegion.attach(region as SharedArrayHandle).segments[0]!
  const key = new KeyBuffer(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!)
  const seen = new Map<number, string>()
  for (let i = 1_000_000; ; i++) {
    const name = String(i)
    key.setText(name)
    const before = seen.get(key.hash)
    if (before !== undefined) return [before, name]
    seen.set(key.hash, name)
  }
}

describe('a text that is read again and again', () => {
  test('is the one that another user has just written, whatever both do', () => {
    const key = fc.integer({ min: 0, max: 79 }).map((i) => `key ${i}`)
    const step = fc.oneof(
      fc.tuple(fc.constant('set'), key, fc.string({ unit: 'binary-ascii', maxLength: 600 })),
      fc.tuple(fc.constant('set'), key, fc.string({ unit: 'grapheme', maxLength: 20 })),
      fc.tuple(fc.constant('delete'), key, fc.constant('')),
      fc.tuple(fc.constant('clear'), key, fc.constant('')),
      fc.tuple(fc.constant('get'), key, fc.constant('')),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const pair = warmPair()
        const model = new Map<string, string>()
        for (let i = 0; i < 64; i++) model.set(`key ${i}`, `first ${i}`)
        for (const [what, name, value] of steps) {
          if (what === 'set') {
            pair.writer.set(name, value)
            model.set(name, value)
          } else if (what === 'delete') assert.equal(pair.writer.delete(name), model.delete(name))
          else if (what === 'clear') {
            pair.writer.clear()
            model.clear()
          }
          assert.equal(pair.reader.get(name), model.get(name))
          assert.equal(pair.reader.get(name), model.get(name))
        }
        close(pair)
      }),
      { numRuns: 30 },
    )
  })

  test('stays true while the table grows around it and moves it', () => {
    const pair = warmPair({ capacity: '8MiB' })
    for (let i = 64; i < 20_000; i++) {
      pair.writer.set(`key ${i}`, `first ${i}`)
      assert.equal(pair.reader.get(`key ${i % 64}`), `first ${i % 64}`)
    }
    close(pair)
  })

  test('is gone when its time has come, and not before', () => {
    let nowMs = 1_000_000
    const pair = warmPair({ clock: () => nowMs })
    pair.writer.set('key 1', 'for a second', { ttlMs: 1000 })
    for (let i = 0; i < 3; i++) assert.equal(pair.reader.get('key 1'), 'for a second')
    nowMs += 999
    assert.equal(pair.reader.get('key 1'), 'for a second')
    pair.writer.persist('key 1')
    nowMs += 1
    assert.equal(pair.reader.get('key 1'), 'for a second')
    pair.writer.expire('key 1', 10)
    assert.equal(pair.reader.get('key 1'), 'for a second')
    nowMs += 10
    assert.equal(pair.reader.get('key 1'), undefined)
    close(pair)
  })

  test('counts as a hit, and as used where eviction looks for what is not', () => {
    const pair = warmPair({ maxEntries: 64, eviction: 'clock' })
    // All have been used: one of them has to go, whichever it is. From then on there are others that are not.
    pair.writer.set('passing', '')
    pair.writer.set('key 7', 'first 7')
    const before = pair.reader.stats().hits
    for (let i = 0; i < 500; i++) {
      assert.equal(pair.reader.get('key 7'), 'first 7')
      pair.writer.set(`passing ${i}`, '')
    }
    assert.ok(pair.reader.stats().hits - before >= 500)
    close(pair)
  })

  test('is not mistaken for that of another key with the same hash', () => {
    const pair = warmPair()
    const [one, other] = collidingKeys(pair.writer)
    pair.writer.set(one, 'of one')
    for (let i = 0; i < 3; i++) {
      assert.equal(pair.reader.get(one), 'of one')
      assert.equal(pair.reader.get(other), undefined)
    }
    pair.writer.set(other, 'of the other')
    for (let i = 0; i < 3; i++) {
      assert.equal(pair.reader.get(one), 'of one')
      assert.equal(pair.reader.get(other), 'of the other')
    }
    close(pair)
  })

  test('is not mistaken for that of a key beside it: other lengths, other ends', () => {
    const pair = warmPair()
    for (let round = 0; round < 3; round++)
      for (let length = 0; length <= 40; length++) {
        const name = 'k'.repeat(length)
        if (round === 0) pair.writer.set(name, `of ${length}`)
        assert.equal(pair.reader.get(name), `of ${length}`)
        assert.equal(pair.reader.get(`${name}?`), undefined)
      }
    close(pair)
  })

  test('costs nothing to forget: a table that is read without favourites goes on as ever', () => {
    const pair = warmPair({ capacity: '16MiB' })
    for (let i = 64; i < 50_000; i++) pair.writer.set(`key ${i}`, `first ${i}`)
    for (let i = 0; i < 200_000; i++) {
      const n = (i * 7919) % 50_000
      assert.equal(pair.reader.get(`key ${n}`), `first ${n}`)
    }
    close(pair)
  })
})
