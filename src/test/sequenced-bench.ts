/**
 * Measures the sequenced writer without lanes or sockets: `node dist/test/sequenced-bench.js [DIRECTORY] [RECORDS]`.
 * Sets by level in groups of 512 beside the direct store, recovery into the table from the log and from a snapshot, and
 * what a running snapshot costs writers. 16-byte keys, 100-byte values. Prints what it finds; judges nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogDurability } from '../log/policy.js'
import { RealDisk } from '../log/real-disk.js'
import { DirectStore } from '../store/direct-store.js'
import { openOnDisk } from '../store/open-sequenced.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'

const [, , directory = tmpdir(), recordsText = '1000000', only = 'all'] = process.argv
const RECORDS = Number(recordsText)
const GROUP = 512
const CAPACITY_BYTES = Math.max(64 * 2 ** 20, RECORDS * 320)
const VALUE = Buffer.alloc(100, 'v')
const key = Buffer.alloc(16, 'k')

function setKey(index: number): void {
  key.write(String(index).padStart(16, '0'), 'latin1')
}

/** By the clock, and by the processor time of the process, which a busy machine does not change as much. */
function rate(name: string, count: number, ms: number, cpu: NodeJS.CpuUsage): void {
  const cpuMs = (cpu.user + cpu.system) / 1000
  const perSecond = (time: number): string => `${(count / time / 1000).toFixed(3)} M/s`
  console.log(
    `${name.padEnd(40)} ${perSecond(ms)}  by processor time ${perSecond(cpuMs)} (${(cpu.user / count).toFixed(2)} us + ${(cpu.system / count).toFixed(2)} us system)`,
  )
}

const random = (index: number): number => Math.imul(index, 0x9e3779b1) >>> 0

function direct(): void {
  const store = DirectStore.create({ capacityBytes: CAPACITY_BYTES })
  for (const pass of ['insert', 'replace', 'replace']) {
    const startedAt = performance.now()
    const cpu = process.cpuUsage()
    for (let i = 0; i < RECORDS; i++) {
      setKey(random(i) % RECORDS)
      store.set(key, VALUE, 'none', 'always')
    }
    rate(`direct ${pass}`, RECORDS, performance.now() - startedAt, process.cpuUsage(cpu))
  }
  store.close()
}

function write(store: SequencedStore, name: string, passes: string[]): void {
  const work = (evaluated: Store): boolean => evaluated.set(key, VALUE, 'none', 'always')
  for (const pass of passes) {
    const startedAt = performance.now()
    const cpu = process.cpuUsage()
    for (let i = 0; i < RECORDS; ) {
      for (let end = Math.min(RECORDS, i + GROUP); i < end; i++) {
        setKey(random(i) % RECORDS)
        store.evaluate(work)
      }
      const { refused } = store.commit(performance.now())
      if (refused !== undefined) throw refused
      store.tend(performance.now())
    }
    rate(`${name} ${pass}`, RECORDS, performance.now() - startedAt, process.cpuUsage(cpu))
  }
}

function withDirectory(work: (disk: RealDisk) => void): void {
  const path = mkdtempSync(join(directory, 'hearth-sequenced-'))
  try {
    work(RealDisk.open(path))
  } finally {
    rmSync(path, { recursive: true })
  }
}

function recover(disk: RealDisk, name: string): SequencedStore {
  const before = process.cpuUsage()
  const { store, report } = openOnDisk({ disk, capacityBytes: CAPACITY_BYTES, durability: 'os' })
  rate(name, Math.max(report.records, report.entriesFromSnapshot), report.elapsedMs, process.cpuUsage(before))
  return store
}

if (only === 'all' || only === 'direct') direct()
for (const durability of ['os', 'interval', 'always'] as LogDurability[]) {
  if (only !== 'all' && only !== durability) continue
  withDirectory((disk) => {
    const { store } = openOnDisk({ disk, capacityBytes: CAPACITY_BYTES, durability })
    write(store, durability, ['insert', 'replace', 'replace'])
    store.close()
  })
}
if (only === 'all' || only === 'recovery')
  withDirectory((disk) => {
    const { store } = openOnDisk({ disk, capacityBytes: CAPACITY_BYTES, durability: 'os' })
    write(store, 'os', ['insert'])
    store.close()
    for (let i = 0; i < 2; i++) recover(disk, 'recovery from the log').close()
    const last = recover(disk, 'recovery from the log')
    snapshot(last)
    last.close()
    for (let i = 0; i < 3; i++) recover(disk, 'recovery from a snapshot').close()
  })
if (only === 'all' || only === 'snapshot')
  withDirectory((disk) => {
    const { store } = openOnDisk({
      disk,
      capacityBytes: CAPACITY_BYTES,
      durability: 'os',
      snapshotAfterBytes: Infinity,
    })
    write(store, 'os', ['insert'])
    for (let i = 0; i < 3; i++) {
      write(store, 'without a snapshot', ['replace'])
      store.startSnapshot()
      write(store, `with one ${store.isSnapshotRunning ? 'running' : 'done'}`, ['replace'])
      console.log(store.isSnapshotRunning ? 'the snapshot is still running' : 'the snapshot is done')
      snapshot(store)
    }
    store.close()
  })

/** Ends the running snapshot, or makes one, with nothing else to do. */
function snapshot(store: SequencedStore): void {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  store.startSnapshot()
  for (let made = store.stepSnapshot(); ; made = store.stepSnapshot()) {
    if (made === undefined) continue
    rate(`snapshot of ${made.entries}`, made.entries, performance.now() - startedAt, process.cpuUsage(cpu))
    return
  }
}
