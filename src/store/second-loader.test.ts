import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { MIB } from '../base/limits.js'
import { type SeededRandom, seededRandom } from '../base/random.js'
import type { Disk } from '../log/disk.js'
import { HEADER_BYTES } from '../log/format.js'
import { RealDisk } from '../log/real-disk.js'
import type { RecoveryEvent } from '../log/recovery.js'
import { regionName } from '../memory/region-name.js'
import type { LoaderFault } from '../test/faulty-loader.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { openOnDisk, type SequencedOptions } from './open-sequenced.js'
import type { LoadingOptions } from './second-loader.js'
import type { SequencedStore } from './sequenced-store.js'
import { giveNameUp, takeName } from './served-region.js'
import type { Store } from './store.js'

const ROOT = mkdtempSync(join(tmpdir(), 'hearth-loading-'))
after(() => rmSync(ROOT, { recursive: true, force: true }))
const START_MS = 1_700_000_000_000
const ALONE: LoadingOptions = { leastBytes: Number.POSITIVE_INFINITY }
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
let directories = 0

/** A share is given at the look of that number. */
function together(waitAtLook = 0): LoadingOptions {
  return { leastBytes: 0, processors: 2, waitAtLook }
}

function faulty(fault: LoaderFault): LoadingOptions {
  // What a worker finds in its environment is what there was when it was made.
  process.env['HEARTH_TEST_LOADER'] = fault
  return { ...together(), entry: new URL('../test/faulty-loader.js', import.meta.url) }
}

interface Opened {
  readonly store: SequencedStore
  readonly threads: number
  readonly events: string[]
}

function open(
  path: string,
  loading: LoadingOptions,
  options: Partial<SequencedOptions> & { readonly disk?: Disk } = {},
): Opened {
  const events: RecoveryEvent[] = []
  const { store, report } = openOnDisk({
    disk: RealDisk.open(path),
    capacityBytes: 4 * MIB,
    durability: 'os',
    segmentBytes: 64 * 1024,
    snapshotAfterBytes: Number.POSITIVE_INFINITY,
    clock: () => START_MS,
    monotonicMs: () => 0,
    loading,
    onEvent: (event) => events.push(event as RecoveryEvent),
    ...options,
  })
  return { store, threads: report.threads, events: events.map((event) => JSON.stringify(event)) }
}

/** `disk`, whose file `name` is not read beyond its header before the file `mark` is there: the second has its share. */
function readOnceThere(disk: RealDisk, name: string, mark: string): RealDisk {
  const plainOpen = disk.open.bind(disk)
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  disk.open = (opened, mode) => {
    const file = plainOpen(opened, mode)
    const plainRead = file.read.bind(file)
    file.read = (target, position) => {
      const waits = opened === name && target.length > HEADER_BYTES
      for (let waitedMs = 0; waits && !existsSync(mark); waitedMs++) {
        assert.ok(waitedMs < 120_000, 'the second has got its share')
        Atomics.wait(nothing, 0, 0, 1)
      }
      return plainRead(target, position)
    }
    return file
  }
  return disk
}

/** Everything in the store, by key, with its moment of expiry. */
function contents(store: SequencedStore): Map<string, string> {
  const found = new Map<string, string>()
  store.evaluate((inner) => {
    let cursor = 0
    do {
      const page = inner.scan(cursor, 1000)
      for (const key of page.keys)
        found.set(key.toString('latin1'), `${inner.expiresAt(key)} ${inner.get(key)?.toString('latin1')}`)
      cursor = page.cursor
    } while (cursor !== 0)
  })
  return found
}

function change(store: Store, random: SeededRandom, keys: number, clears: boolean): void {
  const key = bytes(`key-${random.nextInt(keys)}`)
  const kind = random.nextInt(2000) + (clears ? 0 : 1)
  if (kind === 0) store.clear()
  else if (kind < 300) store.delete(key)
  else {
    const value = Buffer.alloc(random.nextInt(random.nextInt(50) === 0 ? 3000 : 60), random.nextInt(256))
    store.set(key, value, random.nextInt(4) === 0 ? START_MS + 1e6 + random.nextInt(1e6) : 'none', 'always')
  }
}

function snapshot(store: SequencedStore): void {
  store.startSnapshot()
  while (store.stepSnapshot() === undefined);
}

/** Makes a directory of `steps` random writes, some of them transactions; with a snapshot after some of them, if asked for. */
function makeLog(seed: number, steps: number, snapshotAt = -1, keys = 3000, clears = true): string {
  const random = seededRandom(seed)
  const path = join(ROOT, `made-${++directories}`)
  const { store } = open(path, ALONE)
  for (let step = 0; step < steps; step++) {
    if (random.nextInt(10) > 0) store.evaluate((inner) => change(inner, random, keys, clears))
    else
      store.evaluate((inner) =>
        inner.transact((all) => {
          for (let left = random.nextInt(8); left >= 0; left--) change(all, random, keys, clears)
        }),
      )
    if (step % 50 === 49) assert.equal(store.commit(0).refused, undefined)
    if (step === snapshotAt) {
      store.commit(0)
      snapshot(store)
    }
  }
  store.commit(0)
  store.close()
  return path
}

/**
 * Opens copies of the directory alone and together, and holds what comes of it against each other. Returns how many threads
 * have loaded the second one; 0: it was refused, as the first.
 */
function compare(path: string, loading: LoadingOptions, options: Partial<SequencedOptions> = {}): number {
  let loaders = 0
  const outcomes = [ALONE, loading].map((way) => {
    const copy = join(ROOT, 'copy')
    rmSync(copy, { recursive: true, force: true })
    cpSync(path, copy, { recursive: true })
    try {
      const { store, events, threads } = open(copy, way, options)
      loaders = threads
      store.table.check()
      const outcome = {
        contents: contents(store),
        events,
        size: store.evaluate((inner) => inner.size).result,
      }
      store.close()
      return outcome
    } catch (error) {
      assert.ok(isOperationError(error), String(error))
      loaders = 0
      return { refusal: error.message }
    }
  })
  assert.deepEqual(outcomes[1], outcomes[0])
  return loaders
}

describe('a table loaded by two threads', () => {
  for (let seed = 1; seed <= 4; seed++) {
    const hasSnapshot = seed % 2 === 0
    const look = hasSnapshot ? (seed / 2) % 2 : seed % 4
    it(`is the one that a single thread loads: random writes, share given at look ${look}, seed ${seed}`, () => {
      const path = makeLog(seed, 5000, hasSnapshot ? 2500 : -1)
      if (seed % 4 === 1) appendFileSync(join(path, segments(path).at(-1)!), 'the beginning of a torn frame')
      assert.equal(compare(path, together(look)), 2)
    })
  }

  it('is it in a region of /dev/shm too', { skip: NO_NAMED_TABLES }, () => {
    useScratchDirectory()
    const path = makeLog(77, 5000)
    const alone = open(path, ALONE)
    const expected = contents(alone.store)
    alone.store.close()
    const name = regionName('loading')
    const made: { region?: ReturnType<typeof takeName> } = {}
    const { store } = open(path, together(1), {
      region: (facts) => (made.region = takeName(name, facts, START_MS, true, () => {})),
    })
    assert.deepEqual(contents(store), expected)
    store.table.check()
    store.close()
    giveNameUp(made.region!, () => {})
  })

  it('is it when the table is full, though two need more room, and is refused alike when it is too small', () => {
    for (const seed of [1, 2]) {
      const path = join(ROOT, `full-${seed}`)
      const random = seededRandom(seed)
      const capacityBytes = MIB
      const { store } = open(path, ALONE, { capacityBytes })
      for (let step = 0, full = 0; step < 8000 && full < 25; step++) {
        const key = bytes(`key-${random.nextInt(20_000)}`)
        const value = Buffer.alloc(random.nextInt(random.nextInt(30) === 0 ? 6000 : 200))
        try {
          store.evaluate((inner) =>
            random.nextInt(9) === 0 ? inner.delete(key) : inner.set(key, value, 'none', 'always'),
          )
        } catch (error) {
          assert.ok(isOperationError(error, 'FULL'), String(error))
          full++
        }
        if (step % 20 === 0) store.commit(0)
        if (step === 3000 && seed === 2) snapshot(store)
      }
      store.commit(0)
      store.close()
      compare(path, together(seed - 1), { capacityBytes })
      const isFull = (error: unknown): boolean => isOperationError(error, 'FULL')
      for (const way of [ALONE, together()])
        assert.throws(() => open(path, way, { capacityBytes: 128 * 1024 }), isFull)
    }
  })
})

const segments = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith('.log'))

describe('damage that two threads come upon', () => {
  it('is told as one alone tells it, wherever it lies', () => {
    const path = makeLog(5, 3000, 2000)
    const names = readdirSync(path).filter((name) => /\.(log|snapshot)$/.test(name))
    const random = seededRandom(9)
    for (let trial = 0; trial < 4; trial++) {
      const name = names[trial % names.length]!
      const whole = readFileSync(join(path, name))
      const broken = Buffer.from(whole)
      const at = random.nextInt(broken.length)
      broken[at]! ^= 1 << random.nextInt(8)
      writeFileSync(join(path, name), trial === 3 ? whole.subarray(0, at) : broken)
      compare(path, together(trial % 2))
      compare(path, together(trial % 2), { acceptLoss: true })
      writeFileSync(join(path, name), whole)
    }
    assert.equal(compare(path, together()), 2)
  })

  it('in a part of a snapshot that only one of them takes is noticed', () => {
    const path = makeLog(6, 8000, 7999, 20_000, false)
    const name = readdirSync(path).find((file) => file.endsWith('.snapshot'))!
    const whole = readFileSync(join(path, name))
    assert.ok(whole.length > 512 * 1024, 'some blocks, so that the share is given between two of them')
    assert.equal(compare(path, together()), 2)
    for (const part of [0.1, 0.5, 0.9]) {
      const broken = Buffer.from(whole)
      broken[Math.floor(whole.length * part)]! ^= 4
      writeFileSync(join(path, name), broken)
      assert.equal(compare(path, together()), 0)
    }
  })
})

describe('a second loading thread', () => {
  const path = makeLog(8, 4000)

  it('that dies with its share ends the recovery with an error, changes nothing on disk, and the next one succeeds', () => {
    for (const fault of ['dies', 'dies-inside'] as const) {
      const before = readdirSync(path).map((name) => [name, readFileSync(join(path, name))])
      assert.throws(
        () => open(path, faulty(fault)),
        (error) => isOperationError(error, 'REFUSED') && /loading thread has died/.test(String(error)),
      )
      assert.deepEqual(
        readdirSync(path).map((name) => [name, readFileSync(join(path, name))]),
        before,
      )
    }
    assert.equal(compare(path, together()), 2)
  })

  it('that dies with its share is told also where the first has come upon damage and would load everything again', () => {
    const names = readdirSync(path).filter((name) => name.endsWith('.log'))
    const name = names.sort().at(-2)!
    const damagedCopy = (): string => {
      const damaged = join(ROOT, `damaged-${directories++}`)
      cpSync(path, damaged, { recursive: true })
      const log = readFileSync(join(damaged, name))
      log[log.length >>> 1]! ^= 4
      writeFileSync(join(damaged, name), log)
      return damaged
    }
    for (const fault of ['dies', 'dies-inside'] as const) {
      const damaged = damagedCopy()
      const before = readFileSync(join(damaged, name))
      const mark = join(ROOT, `has-share-${fault}`)
      process.env['HEARTH_TEST_LOADER_MARK'] = mark
      const disk = readOnceThere(RealDisk.open(damaged), name, mark)
      assert.throws(
        () => open(damaged, faulty(fault), { acceptLoss: true, disk }),
        (error) => isOperationError(error, 'REFUSED') && /loading thread has died/.test(String(error)),
        fault,
      )
      delete process.env['HEARTH_TEST_LOADER_MARK']
      assert.deepEqual(readFileSync(join(damaged, name)), before)
    }
  })

  it('whose disk fails ends the recovery with what the disk said', () => {
    assert.throws(() => open(path, faulty('fails')), { code: 'EIO', message: /EIO: the disk does not read/ })
  })

  it('that comes to another end is not believed: everything is read again alone', () => {
    assert.equal(compare(path, faulty('disagrees')), 1)
  })

  it('is not missed where it never begins', () => {
    const { entry } = faulty('absent')
    assert.equal(compare(path, { leastBytes: 0, processors: 2, entry: entry! }), 1)
    assert.equal(compare(path, { leastBytes: 0, processors: 1 }), 1)
  })

  it('that is dismissed before it has begun leaves the table alone', () => {
    // Nobody waits for it: it comes when everything has been loaded, or in the middle, as it likes.
    for (let round = 0; round < 2; round++) compare(path, { leastBytes: 0, processors: 2 })
  })
})
