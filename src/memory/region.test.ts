/** What every kind of region does; the kinds differ in who can share them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { platform } from 'node:os'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { geometry } from './geometry.js'
import { HEADER, HEADER_WORDS, LAYOUT_VERSION, REGION_MAGIC, REGION_STATE } from './header.js'
import { type MappedHandle, MappedRegion } from './mapped-region.js'
import { Native } from './native.js'
import type { Region } from './region.js'
import { regionName } from './region-name.js'
import { SharedArrayRegion } from './shared-array-region.js'

const CAPACITY_BYTES = 64 * 1024
const SHAPE = geometry(CAPACITY_BYTES, 1)
const WORD = HEADER_WORDS - 1
const hasNamed = platform() === 'linux'

if (hasNamed) {
  const directory = mkdtempSync('/dev/shm/hearth-test-')
  process.env['HEARTH_SHM_DIR'] = directory
  after(() => rmSync(directory, { recursive: true }))
}

function layOut(region: Region): void {
  const { words, floats } = region.segments[0]!
  words[HEADER.magic] = REGION_MAGIC
  words[HEADER.layoutVersion] = LAYOUT_VERSION
  words[HEADER.state] = REGION_STATE.READY
  floats[HEADER.capacityBytes >>> 1] = CAPACITY_BYTES
}

interface Kind {
  readonly create: () => Region
  readonly attach: (shared: unknown) => Region
}

const KINDS: Readonly<Record<string, Kind>> = {
  'for threads': {
    create: () => SharedArrayRegion.create(SHAPE.segments.map(({ byteLength }) => byteLength)),
    attach: (shared) => SharedArrayRegion.attach(shared as ReturnType<SharedArrayRegion['share']>),
  },
  'by name': {
    create: () => MappedRegion.createLocked(Native.load(), regionName('region'), SHAPE, 0o600, layOut),
    attach: (shared) => MappedRegion.open(Native.load(), regionName((shared as MappedHandle).name), 0o600)!,
  },
}

for (const [name, { create, attach }] of Object.entries(KINDS)) {
  describe(`a region ${name}`, { skip: hasNamed || name === 'for threads' ? false : 'needs Linux' }, () => {
    const region = create()
    const { words, floats, longs, bytes } = region.segments[0]!

    test('has the segments asked for, zeroed, and all views on the same bytes', () => {
      assert.equal(region.segments.length, SHAPE.segments.length)
      assert.equal(bytes.byteLength, SHAPE.segments[0]!.byteLength)
      assert.ok(bytes.subarray(HEADER_WORDS * 4).every((byte) => byte === 0))
      floats[WORD >>> 1] = -2
      assert.equal(longs[WORD >>> 1], -4611686018427387904n)
      assert.equal(words[WORD], -1073741824)
      assert.equal(bytes.readDoubleLE((WORD >>> 1) * 8), -2)
    })

    test('is seen by who attaches what it shares', () => {
      const other = attach(structuredClone(region.share()))
      Atomics.store(words, WORD, 1234)
      assert.equal(Atomics.load(other.segments[0]!.words, WORD), 1234)
      assert.equal(Atomics.compareExchange(other.segments[0]!.words, WORD, 1234, 5), 1234)
      assert.equal(words[WORD], 5)
      other.presence?.close()
    })

    test('sleeps no longer than it is told, and not at all on another value', () => {
      Atomics.store(words, WORD, 5)
      // Either would be noticed by the time that a test may take.
      region.wait(WORD, 4, 3_600_000)
      region.wait(WORD, 5, 20)
      assert.equal(words[WORD], 5)
    })

    test('wakes another thread', async (t) => {
      Atomics.store(words, WORD, 0)
      const code = `
        import { parentPort, workerData } from 'node:worker_threads'
        const { SharedArrayRegion } = await import(workerData.base + 'shared-array-region.js')
        const { MappedRegion } = await import(workerData.base + 'mapped-region.js')
        const { Native } = await import(workerData.base + 'native.js')
        const { regionName } = await import(workerData.base + 'region-name.js')
        const { shared } = workerData
        const region = shared.kind === 'mapped'
          ? MappedRegion.open(Native.load(), regionName(shared.name), 0o600) : SharedArrayRegion.attach(shared)
        parentPort.postMessage('ready')
        region.wait(${WORD}, 0, 60_000)
        parentPort.postMessage(Atomics.load(region.segments[0].words, ${WORD}))
      `
      const workerData = { shared: region.share(), base: new URL('./', import.meta.url).href }
      const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
      const worker = new Worker(url, { workerData })
      t.after(() => worker.terminate())
      await once(worker, 'message')
      let hasEnded = false
      const woken = once(worker, 'message').finally(() => {
        hasEnded = true
      })
      Atomics.store(words, WORD, 9)
      while (!hasEnded) {
        region.notify(WORD)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      assert.deepEqual(await woken, [9])
    })
  })
}
