/**
 * A storm: readers judge every value they see while writers set, delete, grow and clear the same table. A run is
 * bounded by the number of reads. It fails by the first torn, foreign or dead value, by any unexpected error, by a
 * crash, or by a broken invariant or a lost chunk found afterwards.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { codecs } from '../codec/codecs.js'
import type { SharedMapHandle } from '../map/entry.js'
import type { MapOptions } from '../map/options.js'
import { SharedMap } from '../map/shared-map.js'
import { SeededRandom } from './seeded-random.js'
import { StormBoard } from './storm-board.js'
import type { StormCounts, StormWorkerData } from './storm-worker.js'

export interface StormOptions {
  readonly kind: 'text' | 'bytes'
  readonly seed: number
  readonly readers: number
  readonly writers: number
  /** Of all readers together. */
  readonly reads: number
  readonly keys: number
  readonly capacity: string
  readonly stripes?: number
  /** A named table, which the readers have read-only. */
  readonly name?: string
  /** Called every few seconds with how many reads are done. */
  readonly onProgress?: (reads: number) => void
}

const PROGRESS_MS = 5000

interface StormTable {
  readonly handle: SharedMapHandle
  check(): void
  close(): void
}

function createTable(options: StormOptions): StormTable {
  const shape = { capacity: options.capacity, initialSize: 0, lockTimeoutMs: 20_000 }
  const all = { ...shape, ...(options.stripes === undefined ? {} : { stripes: options.stripes }) }
  const make = <V>(map: SharedMap<string, V>): StormTable => ({
    handle: map.share(),
    check() {
      map.check()
      map.clear()
      map.check()
    },
    close: () => map.close(),
  })
  return options.kind === 'text'
    ? make(open<string>(options.name, all))
    : make(open<Uint8Array>(options.name, { ...all, values: codecs.bytes }))
}

function open<V>(name: string | undefined, options: MapOptions<string, V>): SharedMap<string, V> {
  return name === undefined ? new SharedMap<string, V>(options) : SharedMap.open<string, V>(name, options)
}

/** Read-only, where the table has a name. */
function readersHandle(table: SharedMapHandle): SharedMapHandle {
  const { region } = table
  return region.kind === 'mapped' ? { ...table, region: { ...region, access: 'ro' } } : table
}

async function runThread(data: StormWorkerData): Promise<StormCounts> {
  const worker = new Worker(new URL('./storm-worker.js', import.meta.url), { workerData: data })
  const exited = once(worker, 'exit')
  const [counts] = (await once(worker, 'message')) as [StormCounts]
  await exited
  return counts
}

function threadData(
  options: StormOptions,
  table: SharedMapHandle,
  board: SharedArrayBuffer,
): StormWorkerData[] {
  const { readers, writers, keys, kind } = options
  const seeds = new SeededRandom(options.seed)
  return Array.from({ length: readers + writers }, (_, thread) => {
    const role = thread < readers ? 'reader' : 'writer'
    const place = role === 'reader' ? thread : thread - readers
    const reads = Math.ceil(options.reads / readers)
    const handle = role === 'reader' ? readersHandle(table) : table
    return { kind, table: handle, board, role, thread, place, writers, seed: seeds.next(), keys, reads }
  })
}

/** Runs a storm to its end; rejects with what was wrong. */
export async function runStorm(options: StormOptions): Promise<StormCounts> {
  const table = createTable(options)
  const shared = StormBoard.create(options.readers, options.writers)
  const board = new StormBoard(shared)
  const progress = setInterval(() => options.onProgress?.(board.total(0, options.readers)), PROGRESS_MS)
  try {
    const threads = threadData(options, table.handle, shared).map(runThread)
    const outcomes = await Promise.allSettled(threads)
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    table.check()
    return outcomes.map(countsOf).reduce(sum)
  } finally {
    clearInterval(progress)
    table.close()
  }
}

function countsOf(outcome: PromiseSettledResult<StormCounts>): StormCounts {
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

function sum(a: StormCounts, b: StormCounts): StormCounts {
  return {
    reads: a.reads + b.reads,
    hits: a.hits + b.hits,
    writes: a.writes + b.writes,
    fulls: a.fulls + b.fulls,
    bursts: a.bursts + b.bursts,
    clears: a.clears + b.clears,
  }
}
