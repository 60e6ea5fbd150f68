/**
 * How fast a lane is by itself, without a table behind it: round trips, windows, promises, long messages, and what idle
 * workers cost. One client in this thread, workers in others; medians of rounds, and the best round behind them: on a busy
 * machine many short rounds (--scale 0.02 --rounds 100) find some that had both processors.
 *
 *   node dist/test/lane-bench.js [--rounds 5] [--scale 1] [--only trips,windows,promises,long,idle]
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import { LaneClient } from '../channel/lane-client.js'
import { LaneFile } from '../channel/lane-file.js'
import { DEFAULT_LANE_SHAPE } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import { Message } from '../channel/message.js'
import { ReplyWatch } from '../channel/reply-watch.js'
import { BENCH_CODES, type LaneBenchData } from './lane-bench-parts.js'
import { NO_NAMED_TABLES } from './named-scratch.js'

const TRIPS = 50_000
const PAIRS = 500_000
const LATE = 300
const IDLE_MS = 4000
const TIMEOUT_MS = 10_000
const KEY = Buffer.from('0123456789abcdef')
const VALUE = Buffer.alloc(100, 'v')

interface Setting {
  readonly kind: 'threads' | 'file'
  readonly workers: number
  readonly keepsLanes: boolean
  readonly window: number
}

class Bench {
  readonly lane: LaneClient
  readonly request = new Message()
  readonly reply = new Message()
  readonly #workers: readonly Worker[]
  readonly #bell: Bell
  readonly #directory: string | undefined

  private constructor(
    lane: LaneClient,
    bell: Bell,
    workers: readonly Worker[],
    directory: string | undefined,
  ) {
    this.lane = lane
    this.#bell = bell
    this.#workers = workers
    this.#directory = directory
  }

  static async open({ kind, workers, keepsLanes, window }: Setting): Promise<Bench> {
    const directory = kind === 'file' ? mkdtempSync('/dev/shm/hearth-lane-bench-') : undefined
    const bell = Bell.create(directory === undefined ? undefined : join(directory, 'bell'))
    const ledger = Ledger.create(1)
    const file = LaneFile.create({
      shape: { ...DEFAULT_LANE_SHAPE, window },
      firstRow: ledger.open(1),
      serverId: [1, 2, 3, 4],
      client: process.pid,
      ...(directory === undefined ? {} : { path: join(directory, 'lane') }),
    })
    const hired: Worker[] = []
    for (let number = 0; number < workers; number++) {
      const workerData: LaneBenchData = {
        number,
        keepsLanes,
        ledger: ledger.share(),
        bell: bell.share(),
        files: [file.share()],
      }
      const worker = new Worker(new URL('./lane-bench-worker.js', import.meta.url), { workerData })
      await once(worker, 'message')
      hired.push(worker)
    }
    const lane = LaneClient.open(file.path === undefined ? file : LaneFile.open(file.path), {
      bell,
      isServerAlive: () => true,
    })
    return new Bench(lane, bell, hired, directory)
  }

  async close(): Promise<void> {
    for (const [number, worker] of this.#workers.entries()) {
      const exit = once(worker, 'exit')
      worker.postMessage('end')
      this.#bell.wake(number)
      await exit
    }
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true })
  }

  /** Microseconds of each blocking write. */
  trips(count: number): Float64Array {
    const took = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const from = performance.now()
      this.request.clear(BENCH_CODES.WRITE)
      this.request.fill(KEY, VALUE)
      this.#block()
      took[i] = (performance.now() - from) * 1000
    }
    return took.sort()
  }

  #block(): void {
    const id = this.lane.trySubmit(this.request)
    if (id === 0 || !this.lane.wait(id, this.reply, TIMEOUT_MS)) throw new Error('no reply in time')
  }

  /** Millions of uint32 pairs a second, a full window in flight. */
  pairs(count: number): number {
    const { lane, request, reply } = this
    const ids = new Float64Array(lane.window)
    request.clear(BENCH_CODES.PAIR)
    request.shape(4, 4)
    const from = performance.now()
    for (let sent = 0, got = 0; got < count; ) {
      while (sent < count) {
        request.words[0] = sent
        request.words[1] = ~sent
        const id = lane.trySubmit(request)
        if (id === 0) break
        ids[sent++ % lane.window] = id
      }
      // Waits for the oldest, which spins first, then takes what else has come.
      if (!lane.wait(ids[got % lane.window]!, reply, TIMEOUT_MS)) throw new Error('no reply in time')
      do {
        if (reply.words[0] !== ~got) throw new Error(`reply ${got} is another's`)
        got++
      } while (got < sent && lane.poll(ids[got % lane.window]!, reply))
    }
    return count / (performance.now() - from) / 1000
  }

  /** Megabytes a second there and back again, one message at a time. */
  long(bytes: number): number {
    const count = Math.max(3, Math.ceil(20_000_000 / bytes / 10))
    const value = Buffer.alloc(bytes, 'l')
    const from = performance.now()
    for (let i = 0; i < count; i++) {
      this.request.clear(BENCH_CODES.ECHO)
      this.request.fill(KEY, value)
      this.#block()
      if (this.reply.valueBytes !== bytes) throw new Error('not the reply')
    }
    return (2 * bytes * count) / (performance.now() - from) / 1000
  }

  /** Microseconds of each awaited write, with a pause before it or not. */
  async promises(count: number, pauseMs: number): Promise<Float64Array> {
    const flying = new Map<number, () => void>()
    const look = () => {
      for (const [id, resolve] of flying) {
        if (!this.lane.poll(id, this.reply)) continue
        flying.delete(id)
        resolve()
      }
      return flying.size > 0
    }
    const gone = (error: unknown) => {
      throw error
    }
    const watch = new ReplyWatch(this.lane, { look, gone })
    const took = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const from = performance.now()
      this.request.clear(BENCH_CODES.WRITE)
      this.request.fill(KEY, VALUE)
      const id = this.lane.trySubmit(this.request)
      await new Promise<void>((resolve) => {
        flying.set(id, resolve)
        watch.begin()
      })
      took[i] = (performance.now() - from) * 1000
    }
    watch.close()
    return took.sort()
  }
}

const PARTS = ['trips', 'windows', 'promises', 'long', 'idle']
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string', default: PARTS.join() },
  },
})
const rounds = Number(values.rounds)
const scaled = (count: number) => Math.ceil(count * Number(values.scale))
const wants = (part: string) => values.only.split(',').includes(part)
const kinds = NO_NAMED_TABLES === false ? (['threads', 'file'] as const) : (['threads'] as const)

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!
const at = (sorted: Float64Array, share: number) => sorted[Math.floor(sorted.length * share)]!

/** Medians over rounds of some figures of each. */
async function measure(
  setting: Setting,
  label: string,
  round: (bench: Bench) => Promise<number[]>,
  units: string[],
) {
  const bench = await Bench.open(setting)
  const found: number[][] = []
  for (let i = 0; i < rounds; i++) found.push(await round(bench))
  await bench.close()
  const figures = units.map((unit, i) => {
    const all = found.map((one) => one[i]!)
    const best = unit.startsWith('us') ? Math.min(...all) : Math.max(...all)
    return `${median(all).toFixed(2)} ${unit} (${best.toFixed(2)})`
  })
  const { kind, workers, keepsLanes, window } = setting
  const where = `${kind}, ${workers} worker${workers > 1 ? 's' : ''}${keepsLanes ? ' keeping lanes' : ''}, window ${window}`
  console.log(`${label} (${where}): ${figures.join(', ')}`)
}

const percentiles = ['us p50', 'us p99', 'us p99.9']
const shares = (took: Float64Array) => [at(took, 0.5), at(took, 0.99), at(took, 0.999)]
for (const kind of kinds) {
  const one: Setting = { kind, workers: 1, keepsLanes: false, window: 64 }
  if (wants('trips'))
    for (const setting of [one, { ...one, keepsLanes: true }, { ...one, workers: 2 }])
      await measure(
        setting,
        'blocking write 16 B/100 B',
        async (bench) => shares(bench.trips(scaled(TRIPS))),
        percentiles,
      )
  if (wants('windows')) {
    for (const window of [64, 1024, 8, 1])
      await measure({ ...one, window }, 'uint32 pairs', async (bench) => [bench.pairs(scaled(PAIRS))], [
        'M/s',
      ])
    await measure(
      { ...one, keepsLanes: true },
      'uint32 pairs',
      async (bench) => [bench.pairs(scaled(PAIRS))],
      ['M/s'],
    )
    await measure({ ...one, workers: 2 }, 'uint32 pairs', async (bench) => [bench.pairs(scaled(PAIRS))], [
      'M/s',
    ])
  }
  if (wants('promises')) {
    await measure(
      one,
      'awaited write, at once again',
      async (bench) => shares(await bench.promises(scaled(LATE * 10), 0)),
      percentiles,
    )
    await measure(
      one,
      'awaited write, from idle',
      async (bench) => shares(await bench.promises(scaled(LATE), 2)),
      percentiles,
    )
  }
  if (wants('long'))
    for (const bytes of [1000, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024])
      await measure(one, `echo of ${bytes} B`, async (bench) => [bench.long(bytes)], ['MB/s'])
}
if (wants('idle')) {
  const setting: Setting = { kind: kinds.at(-1)!, workers: 4, keepsLanes: false, window: 64 }
  const bench = await Bench.open(setting)
  bench.trips(100)
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const { user, system } = process.cpuUsage(before)
  await bench.close()
  console.log(
    `4 idle workers (${setting.kind}): ${((user + system) / IDLE_MS / 10).toFixed(2)} % of a processor`,
  )
}
