import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { codecs, SharedMap } from '../index.js'
import { HEADER } from '../memory/header.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import { regionName } from '../memory/region-name.js'
import { ABSENT, FOUND, ReadOnlyTable, UNDECIDED, UNDECIDED_BY } from '../table/read-only-table.js'
import { READ_BYTES, READ_NOTHING, READ_TEXT } from '../table/reader.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const options = { skip: NO_NAMED_TABLES }
const START_MS = 1_000_000

/** A table of that name with a clock that is set by hand, and a view of it. */
function openBoth(name: string) {
  const clock = { nowMs: START_MS }
  SharedMap.open(name, { capacity: '1MiB', values: codecs.string, clock: () => clock.nowMs }).close()
  const region = MappedRegion.open(Native.load(), regionName(name), 0o600)!
  const table = Table.attach(region, { lockTimeoutMs: 1000, clock: () => clock.nowMs })
  const view = openView(name, () => clock.nowMs)
  const put = (key: string, value: string, expiresAtMs = NO_EXPIRY) => {
    table.key.setText(key)
    table.value.setText(value)
    assert.equal(table.put(expiresAtMs, ALWAYS), true)
  }
  const find = (key: string, what = READ_TEXT) => {
    view.key.setText(key)
    return view.find(what)
  }
  const textOf = () => view.reader.text ?? view.reader.bytes.toString()
  return { clock, table, view, put, find, textOf }
}

function openView(name: string, clock = Date.now): ReadOnlyTable {
  return ReadOnlyTable.attach(ReadOnlyRegion.open(Native.load(), regionName(name), 0o600)!, { clock })
}

describe('a read-only table', options, () => {
  useScratchDirectory()

  test('finds what is there, in all the ways of reading, and nothing else', () => {
    const { put, find, view, textOf, table } = openBoth('finds')
    put('a', 'plain')
    put('ä', 'not plain: ß')
    put('long', 'x'.repeat(300_000))
    assert.equal(find('a'), FOUND)
    assert.equal(view.reader.text, 'plain')
    assert.equal(find('ä'), FOUND)
    assert.equal(textOf(), 'not plain: ß')
    assert.equal(find('a', READ_BYTES), FOUND)
    assert.equal(view.reader.bytes.toString(), 'plain')
    assert.equal(find('long', READ_BYTES), FOUND)
    assert.equal(view.reader.bytes.length, 300_000)
    assert.equal(find('a', READ_NOTHING), FOUND)
    assert.equal(find('b'), ABSENT)
    view.key.setText('a')
    assert.equal(view.findText(view.key), 'plain')
    view.key.setText('ä')
    assert.equal(view.findText(view.key), FOUND)
    table.close()
  })

  test('says that an entry is gone only once the time of the region has come', () => {
    const { clock, put, find, view, table, textOf } = openBoth('expires')
    put('k', 'soon gone', START_MS + 100)
    assert.equal(find('k'), FOUND)
    clock.nowMs += 100
    assert.equal(find('k'), UNDECIDED)
    assert.equal(view.undecidedBy, UNDECIDED_BY.EXPIRING)
    assert.equal(textOf(), 'soon gone')
    assert.equal(table.clock.hasPassed(START_MS + 100), true)
    assert.equal(find('k'), ABSENT)
    clock.nowMs = START_MS
    assert.equal(find('k'), ABSENT)
    table.close()
  })

  test('knows nothing of an entry that somebody is changing, and of all others what it always does', () => {
    const { put, find, view, table, textOf } = openBoth('changes')
    put('k', 'before')
    put('other', 'here')
    const { chain } = table.writer
    table.key.setText('k')
    const stripeAt = chain.buckets.stripeAt(table.key.hash)
    assert.equal(chain.find(stripeAt, table.key), true)
    chain.makeBusy()
    assert.equal(find('k'), UNDECIDED)
    assert.equal(view.undecidedBy, UNDECIDED_BY.CHANGING)
    assert.equal(find('other'), FOUND)
    chain.publish(stripeAt)
    assert.equal(find('k'), FOUND)
    assert.equal(textOf(), 'before')
    table.close()
  })

  test('believes nothing of a region that was retired', () => {
    const { put, find, view, table } = openBoth('retires')
    put('k', 'of yesterday')
    SharedMap.unlink('retires')
    assert.equal(view.isRetired, true)
    for (const key of ['k', 'absent']) {
      assert.equal(find(key), UNDECIDED)
      assert.equal(view.undecidedBy, UNDECIDED_BY.RETIRED)
    }
    assert.equal(view.step(0, [], true), UNDECIDED)
    table.close()
  })

  test('agrees with a Map after any changes, key by key and in walks', () => {
    const { put, find, view, table, textOf } = openBoth('agrees')
    const model = new Map<string, string>()
    const change = fc.record({
      key: fc.integer({ min: 0, max: 40 }).map((number) => `k${number}`),
      value: fc.option(fc.string({ unit: 'grapheme', maxLength: 60 }), { freq: 3, nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        for (const { key, value } of changes) {
          if (value !== undefined) {
            put(key, value)
            model.set(key, value)
          } else {
            table.key.setText(key)
            assert.equal(table.delete(), model.delete(key))
          }
        }
        for (let number = 0; number <= 40; number++) {
          const key = `k${number}`
          assert.equal(find(key), model.has(key) ? FOUND : ABSENT)
          if (model.has(key)) assert.equal(textOf(), model.get(key))
        }
        const walked: Parameters<typeof view.step>[1] = []
        for (let cursor = view.step(0, walked, true); cursor !== 0; ) cursor = view.step(cursor, walked, true)
        assert.deepEqual(
          new Map(walked.map(({ key, value }) => [key.toString(), value?.toString()])),
          new Map(model),
        )
      }),
    )
    table.close()
  })

  test('leaves every byte of the region as it is', () => {
    using map = SharedMap.open('untouched', { capacity: '1MiB', eviction: 'clock' })
    for (let i = 0; i < 500; i++) map.set(`k${i}`, `v${i}`, i % 2 === 0 ? {} : { ttlMs: 1 })
    const digest = () =>
      createHash('sha256')
        .update(readFileSync(regionName('untouched').path))
        .digest('hex')
    const text = `
      import { SharedMap } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const map = SharedMap.open('untouched', { access: 'ro' })
      for (let i = 0; i < 600; i++) map.get('k' + i)
      map.getMany(Array.from({ length: 600 }, (_, i) => 'k' + i))
      console.log([...map].length, map.size > 0, map.scan(0).keys.length > 0, map.stats().entries > 0)
      map.check()
      map.close()`
    // Housekeeping of the map here runs when this thread is back in its event loop, which it is not meanwhile.
    const before = digest()
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    assert.match(stdout, /^250 true true true/)
    assert.equal(digest(), before)
  })

  test('is mapped so that a store ends the process, and changes nothing', () => {
    using map = SharedMap.open('guarded', { capacity: '1MiB' })
    map.set('k', 'v')
    const file = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const text = `
      import { Native } from ${file('../memory/native.js')}
      import { ReadOnlyRegion } from ${file('../memory/read-only-region.js')}
      import { regionName } from ${file('../memory/region-name.js')}
      const { words } = ReadOnlyRegion.open(Native.load(), regionName('guarded'), 0o600).segments[0]
      console.log(words[${HEADER.magic}])
      words[${HEADER.magic}] = 0`
    const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
      encoding: 'utf8',
    })
    assert.match(stdout, /^\d+\n$/)
    assert.equal(signal, 'SIGSEGV')
    assert.equal(map.get('k'), 'v')
    map.check()
  })

  after(() => {
    for (const { name } of SharedMap.list()) SharedMap.unlink(name)
  })
})
