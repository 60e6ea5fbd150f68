import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { seededRandom } from '../base/random.js'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { openOnDisk, openSequencedStore, type SequencedOptions } from './open-sequenced.js'
import type { SequencedStore } from './sequenced-store.js'
import type { Store } from './store.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const START_MS = 1_700_000_000_000

function open(disk: SimulatedDisk, options: Partial<SequencedOptions> = {}): SequencedStore {
  return openOnDisk({
    disk,
    capacityBytes: 256 * 1024,
    durability: 'always',
    segmentBytes: 64 * 1024,
    clock: () => START_MS,
    monotonicMs: () => 0,
    ...options,
  }).store
}

function write(store: SequencedStore, work: (store: Store) => unknown): unknown {
  const { result } = store.evaluate(work)
  const { refused } = store.commit(0)
  if (refused !== undefined) throw refused
  return result
}

/** Everything in the store, as text. */
function contents(store: SequencedStore): Map<string, string> {
  const found = new Map<string, string>()
  store.evaluate((inner) => {
    let cursor = 0
    do {
      const page = inner.scan(cursor, 100)
      for (const key of page.keys) found.set(key.toString('latin1'), String(inner.get(key)))
      cursor = page.cursor
    } while (cursor !== 0)
  })
  return found
}

describe('a sequenced table without memory', () => {
  it('evicts by logged deletes, in groups and in transactions, and a restart has just what was there', () => {
    const disk = new SimulatedDisk()
    const store = open(disk, { eviction: 'clock' })
    const value = 'v'.repeat(900)
    for (let i = 0; i < 1500; i++) {
      store.evaluate((inner) => inner.set(bytes(`key-${i}`), bytes(`${i}${value}`), 'none', 'always'))
      if (i % 7 === 0) assert.equal(store.commit(0).refused, undefined)
    }
    write(store, (inner) =>
      inner.transact((all) => {
        for (let i = 0; i < 40; i++) all.set(bytes(`tx-${i}`), bytes(value), 'none', 'always')
      }),
    )
    const before = contents(store)
    assert.ok(before.size > 100 && before.size < 1500 && before.has('tx-0') && before.has('tx-39'))
    assert.ok(store.evaluate((inner) => inner.stats()).result.evictions > 500)
    store.table.check()
    store.close()
    const again = open(disk, { eviction: 'clock' })
    assert.deepEqual(contents(again), before)
    again.table.check()
    again.close()
  })

  it('makes room for a large value where small ones lie, and the other way round', () => {
    const disk = new SimulatedDisk()
    const store = open(disk, { eviction: 'clock' })
    for (let i = 0; i < 3000; i++)
      write(store, (inner) => inner.set(bytes(`small-${i}`), bytes('x'.repeat(40)), 'none', 'always'))
    for (let i = 0; i < 6; i++)
      write(store, (inner) => inner.set(bytes(`large-${i}`), Buffer.alloc(30_000, 'y'), 'none', 'always'))
    for (let i = 0; i < 2000; i++)
      write(store, (inner) => inner.set(bytes(`more-${i}`), bytes('z'.repeat(100)), 'none', 'always'))
    const before = contents(store)
    assert.ok(before.has('more-1999'))
    store.table.check()
    store.close()
    const again = open(disk, { eviction: 'clock' })
    assert.deepEqual(contents(again), before)
    again.close()
  })

  it('says FULL without eviction before anything is logged, and gives what has expired to others first', () => {
    const disk = new SimulatedDisk()
    let nowMs = START_MS
    const store = open(disk, { clock: () => nowMs })
    const fill = (expiry: 'none' | number): number => {
      for (let i = 0; ; i++) {
        try {
          store.evaluate((inner) => inner.set(bytes(`key-${i}`), Buffer.alloc(1000), expiry, 'always'))
        } catch (error) {
          assert.ok(isOperationError(error, 'FULL'), String(error))
          return i
        }
      }
    }
    const held = fill(START_MS + 1000)
    assert.equal(store.commit(0).refused, undefined)
    assert.equal(store.evaluate((inner) => inner.size).result, held)
    nowMs += 2000
    assert.ok(fill('none') >= held)
    assert.equal(store.commit(0).refused, undefined)
    store.table.check()
    store.close()
  })

  it('takes an entry in place of what has just expired, though nobody has asked for the time since', () => {
    let nowMs = START_MS
    const store = open(new SimulatedDisk(), { clock: () => nowMs })
    const set = (key: string, bytesOfValue: number, expiry: 'none' | number): unknown =>
      write(store, (inner) => inner.set(bytes(key), Buffer.alloc(bytesOfValue), expiry, 'always'))
    set('brief', 150_000, START_MS + 1000)
    assert.throws(
      () => set('large', 150_000, 'none'),
      (error) => isOperationError(error, 'FULL'),
    )
    nowMs += 2000
    set('large', 150_000, 'none')
    assert.deepEqual([...contents(store).keys()], ['large'])
    store.close()
  })

  it('forgets all of a transaction that goes on after the log has taken no removal for it', () => {
    const disk = new SimulatedDisk()
    let nowMs = START_MS
    let elapsedMs = 0
    const store = open(disk, { clock: () => nowMs, monotonicMs: () => elapsedMs })
    const keyOf = (index: number): Buffer => Buffer.from(`${index}`.padEnd(1000, '-'))
    write(store, (inner) => inner.set(bytes('kept'), bytes('there'), 'none', 'always'))
    for (let index = 0; index < 200; index++)
      write(store, (inner) => inner.set(keyOf(index), bytes(''), START_MS + 1000, 'always'))
    // The log's last segment is used up, by deletes of a kilobyte each.
    disk.capacityBytes = 1
    assert.throws(
      () => {
        for (let index = 0; ; index++) write(store, (inner) => assert.ok(inner.delete(keyOf(index))))
      },
      (error) => isOperationError(error, 'DISK_FULL'),
    )
    nowMs += 2000
    const inside: unknown[] = []
    assert.throws(
      () =>
        store.evaluate((inner) =>
          inner.transact((all) => {
            try {
              all.set(bytes('large'), Buffer.alloc(200_000), 'none', 'always')
            } catch (error) {
              inside.push(isOperationError(error) && error.code)
            }
            inside.push(all.delete(bytes('kept')), all.set(bytes('new'), bytes('1'), 'none', 'always'))
          }),
        ),
      (error) => isOperationError(error, 'DISK_FULL'),
    )
    assert.deepEqual(inside, ['DISK_FULL', true, true])
    disk.capacityBytes = Number.POSITIVE_INFINITY
    elapsedMs += 1000
    write(store, (inner) => inner.set(bytes('other'), bytes('2'), 'none', 'always'))
    const found = contents(store)
    assert.deepEqual(
      ['kept', 'new', 'other', 'large'].map((key) => found.get(key)),
      ['there', undefined, '2', undefined],
    )
    store.table.check()
    assert.deepEqual(contents(open(disk.afterExit(), { clock: () => nowMs })), found)
    store.close()
  })

  it('gives back what a transaction has staged when the log refuses the removals on a run of pages, without a repair', () => {
    const disk = new SimulatedDisk()
    const store = open(disk, { eviction: 'clock' })
    const put = (index: number): unknown =>
      write(store, (inner) => inner.set(bytes(`key-${index % 1500}`), Buffer.alloc(100), 'none', 'always'))
    for (let index = 0; index < 1500; index++) put(index)
    // The log's last segment is used up.
    disk.capacityBytes = 1
    assert.throws(
      () => {
        for (let index = 0; ; index++) put(index)
      },
      (error) => isOperationError(error, 'DISK_FULL'),
    )
    const { repairs } = store.table.stats()
    const set = (all: Store, key: string, length: number): boolean =>
      all.set(bytes(key), Buffer.alloc(length), 'none', 'always')
    assert.throws(
      () =>
        store.evaluate((inner) =>
          inner.transact((all) => [set(all, 'small', 50), set(all, 'large', 60_000)]),
        ),
      (error) => isOperationError(error, 'DISK_FULL'),
    )
    assert.equal(store.table.stats().repairs, repairs)
    store.table.check()
    assert.deepEqual(contents(open(disk.afterExit())), contents(store))
    store.close()
  })

  it('starts again with the same capacity when it was full, whatever lay where', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = seededRandom(seed)
      const disk = new SimulatedDisk()
      const options = {
        capacityBytes: 64 * 1024 * (1 + (seed % 4)),
        eviction: seed % 2 === 0 ? 'clock' : 'none',
      } as const
      const store = open(disk, options)
      for (let i = 0, full = 0; i < 3000 && full < 300; i++) {
        const key = bytes(`key-${random.nextInt(2000)}`)
        const value = Buffer.alloc(random.nextInt(random.nextInt(30) === 0 ? 6000 : 200))
        try {
          store.evaluate((inner) =>
            random.nextInt(5) === 0 ? inner.delete(key) : inner.set(key, value, 'none', 'always'),
          )
        } catch (error) {
          assert.ok(isOperationError(error, 'FULL'), String(error))
          full++
        }
        if (i % 20 === 0) store.commit(0)
      }
      store.commit(0)
      const before = contents(store)
      store.close()
      const again = open(disk, options)
      assert.deepEqual(contents(again), before, `seed ${seed}`)
      again.table.check()
      again.close()
    }
  })

  it('refuses to recover into less than there is, names a capacity that does, and that one does', () => {
    const disk = new SimulatedDisk()
    const store = open(disk, { capacityBytes: 4 * 2 ** 20 })
    for (let i = 0; i < 2000; i++)
      store.evaluate((inner) => inner.set(bytes(`key-${i}`), Buffer.alloc(1000, i), 'none', 'always'))
    write(store, (inner) => inner.size)
    store.close()
    let needed = ''
    assert.throws(
      () => open(disk, { capacityBytes: 256 * 1024 }),
      (error) => {
        needed = /at least (\d+)MiB|at least (\d+) MiB/.exec(String(error))?.slice(1).find(Boolean) ?? ''
        return isOperationError(error, 'FULL')
      },
    )
    const again = open(disk, { capacityBytes: Number(needed) * 2 ** 20 })
    assert.equal(contents(again).size, 2000)
    again.close()
  })
})

describe('snapshots of a sequenced store', () => {
  it('are made between groups once there is enough log, and the log before them goes', () => {
    const disk = new SimulatedDisk()
    let nowMs = 0
    const events: string[] = []
    const store = open(disk, {
      snapshotAfterBytes: 200_000,
      segmentBytes: 16 * 1024,
      monotonicMs: () => nowMs,
      onEvent: ({ kind }) => events.push(kind),
    })
    for (let i = 0; i < 4000; i++) {
      nowMs += 1
      write(store, (inner) =>
        inner.set(bytes(`key-${i % 200}`), bytes(`${i}${'x'.repeat(100)}`), 'none', 'always'),
      )
      store.tend(nowMs)
    }
    const { snapshots, refusals, groups } = store.logStats()
    assert.ok(snapshots >= 2 && refusals === 0 && groups === 4000, JSON.stringify(store.logStats()))
    assert.ok(events.length === snapshots && events.every((kind) => kind === 'snapshot'))
    const segments = disk.list().filter((name) => name.endsWith('.log'))
    assert.ok(segments.length < 40, `${segments.length} segments are left`)
    const before = contents(store)
    store.close()
    const again = open(disk)
    assert.deepEqual(contents(again), before)
    again.close()
  })

  it('that fail are given up and told of, and writes go on', () => {
    const disk = new SimulatedDisk()
    const errors: unknown[] = []
    const store = open(disk, {
      snapshotAfterBytes: Infinity,
      onEvent: (event) => event.kind === 'snapshot-failed' && errors.push(event.error),
    })
    write(store, (inner) => inner.set(bytes('k'), bytes('1'), 'none', 'always'))
    disk.inject({ call: 'open', at: 1, code: 'EMFILE' })
    store.startSnapshot()
    store.stepSnapshot()
    assert.match(String(errors[0]), /EMFILE/)
    assert.equal(store.isSnapshotRunning, false)
    write(store, (inner) => inner.set(bytes('k'), bytes('2'), 'none', 'always'))
    assert.deepEqual([...contents(store)], [['k', '2']])
    assert.equal(store.logStats().snapshotFailures, 1)
    store.close()
  })
})

describe('a log that fails', () => {
  it('leaves what was in flight unknown, refuses every write after it, and lets reads go on', () => {
    const disk = new SimulatedDisk()
    const store = open(disk)
    write(store, (inner) => inner.set(bytes('k'), bytes('1'), 'none', 'always'))
    const { lsn } = store.evaluate((inner) => inner.set(bytes('k'), bytes('2'), 'none', 'always'))
    disk.inject({ call: 'sync', at: 1, code: 'EIO', times: Infinity })
    const { released, refused } = store.commit(0)
    assert.ok(released < lsn && refused?.code === 'LOG_FAILED' && refused.outcome === 'unknown')
    assert.throws(
      () => store.evaluate((inner) => inner.delete(bytes('k'))),
      (error) => isOperationError(error, 'LOG_FAILED') && error.outcome === 'not-applied',
    )
    const read = store.evaluate((inner) => String(inner.get(bytes('k'))))
    assert.deepEqual([read.result, read.lsn <= store.released], ['1', true])
    assert.match(store.logStats().failure ?? '', /sync/)
    store.table.check()
    store.close()
  })
})

describe('a sequenced store in a real directory', () => {
  it('is one process only, and has over restarts what was acknowledged, from the log and from a snapshot', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hearth-sequenced-'))
    try {
      const options = {
        directory,
        capacityBytes: 1 << 20,
        durability: 'always',
        segmentBytes: 1 << 20,
      } as const
      const first = await openSequencedStore(options)
      await assert.rejects(openSequencedStore(options), (error) => isOperationError(error, 'REFUSED'))
      for (let i = 0; i < 300; i++)
        first.store.evaluate((inner) => inner.set(bytes(`key-${i}`), bytes(`${i}`), 'none', 'always'))
      write(first.store, (inner) => inner.delete(bytes('key-7')))
      first.store.startSnapshot()
      while (first.store.stepSnapshot() === undefined) {}
      write(first.store, (inner) => inner.set(bytes('key-8'), bytes('later'), 'none', 'always'))
      const before = contents(first.store)
      first.store.close()
      await first.lock.release()
      let progress = 0
      const second = await openSequencedStore({
        ...options,
        onProgress: ({ records }) => (progress = records),
      })
      assert.deepEqual(contents(second.store), before)
      assert.equal(second.report.entriesFromSnapshot, 299)
      assert.ok(progress >= 299)
      second.store.close()
      await second.lock.release()
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
  it('that does not fit is refused, and none of its files is left open', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hearth-sequenced-'))
    try {
      const options = { directory, durability: 'always' } as const
      const { store, lock } = await openSequencedStore({ ...options, capacityBytes: 1 << 20 })
      for (let i = 0; i < 900; i++)
        store.evaluate((inner) => inner.set(bytes(`key-${i}`), Buffer.alloc(1000), 'none', 'always'))
      assert.equal(store.commit(0).refused, undefined)
      store.close()
      await lock.release()
      await assert.rejects(openSequencedStore({ ...options, capacityBytes: 1 << 16 }), { code: 'FULL' })
      const open = readdirSync('/proc/self/fd').map((fd) => pathOf(`/proc/self/fd/${fd}`))
      assert.deepEqual(
        open.filter((path) => path.startsWith(`${directory}/`)),
        [],
      )
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

function pathOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // That of the listing itself.
    return ''
  }
}
