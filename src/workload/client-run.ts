/**
 * Runs a workload through client threads: each has a connection and a window of its own. They connect first; the clock
 * runs from the first request of any of them to the last answer, so no start of threads or processes is in the figures; with
 * a warm-up, neither is the compiling of what a program's first seconds run.
 *
 * One that fails ends the run: the others are terminated, and the server takes back what they had.
 */
import { Worker } from 'node:worker_threads'
import type { ClientThreadReport, ClientThreadRequest } from './client-thread.js'
import { type DriveResult, MAX_MISMATCHES, type Mismatch } from './drive.js'
import type { Share } from './shares.js'

export interface ClientRunOptions {
  /** The server's name. */
  readonly name: string
  /** What each thread sends; as many threads as shares. */
  readonly shares: readonly Share[]
  /** Requests in flight of a thread. */
  readonly width: number
  readonly check: boolean
  /** Part of each share, 0 to 1, that is sent first and not timed, by the same connections; default 0. */
  readonly warmUpPart?: number
  /** Called when all are connected and warm, just before the first request that is timed. */
  readonly onStart?: () => void
  /** Ends the run early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface ThreadResult extends DriveResult {
  readonly milliseconds: number
}

export interface ClientRunResult {
  /** Without those of the warm-up, as all that follows but wrong answers. */
  readonly requests: number
  /** From the first request of any thread to the last answer. */
  readonly milliseconds: number
  /** Wrong answers in all, those of the warm-up too. */
  readonly wrong: number
  /** The first of them, a few. */
  readonly mismatches: readonly Mismatch[]
  readonly threads: readonly ThreadResult[]
}

const THREAD = new URL('./client-thread.js', import.meta.url)

/** Rejects with what a thread could not do: connect (NO_SERVER and others), or the error of a request. */
export async function runClients(options: ClientRunOptions): Promise<ClientRunResult> {
  const { name, shares, width, check, signal } = options
  signal?.throwIfAborted()
  // Word 0: 0 until all are ready.
  const start = new Int32Array(new SharedArrayBuffer(4))
  const timed = shares.map((share) => afterWarmUp(share, options.warmUpPart ?? 0))
  const workers = shares.map((share, thread) => {
    const timedFrom = timed[thread]?.from ?? share.from
    const workerData: ClientThreadRequest = { name, share, timedFrom, width, check, start }
    return new Worker(THREAD, { workerData })
  })
  try {
    const runs = workers.map((worker) => new ThreadRun(worker, signal))
    await Promise.all(runs.map(({ ready }) => ready))
    options.onStart?.()
    Atomics.store(start, 0, 1)
    Atomics.notify(start, 0)
    return resultOf(timed, await Promise.all(runs.map(({ done }) => done)))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function afterWarmUp({ list, from, to }: Share, part: number): Share {
  return { list, from: from + Math.floor((to - from) * part), to }
}

type DoneReport = Extract<ClientThreadReport, { kind: 'done' }>

function resultOf(shares: readonly Share[], reports: readonly DoneReport[]): ClientRunResult {
  const busy = reports.filter((_, thread) => (shares[thread]?.to ?? 0) > (shares[thread]?.from ?? 0))
  const startNs = Math.min(...busy.map((report) => report.startNs))
  const endNs = Math.max(...busy.map((report) => report.endNs))
  const threads = reports.map((report) => ({
    ...report.result,
    milliseconds: (report.endNs - report.startNs) / 1e6,
  }))
  return {
    requests: shares.reduce((sum, { from, to }) => sum + to - from, 0),
    milliseconds: busy.length === 0 ? 0 : (endNs - startNs) / 1e6,
    wrong: threads.reduce((sum, { wrong }) => sum + wrong, 0),
    mismatches: threads.flatMap(({ mismatches }) => mismatches).slice(0, MAX_MISMATCHES),
    threads,
  }
}

/** What one thread says. Its failure, whenever it comes, is what both promises reject with, unless they are fulfilled. */
class ThreadRun {
  readonly ready: Promise<void>
  readonly done: Promise<DoneReport>

  constructor(worker: Worker, signal: AbortSignal | undefined) {
    let isReady = (): void => {}
    let isDone = (_report: DoneReport): void => {}
    const failures: ((error: unknown) => void)[] = []
    const fail = (error: unknown): void => {
      for (const reject of failures) reject(error)
    }
    this.ready = new Promise((resolve, reject) => {
      isReady = resolve
      failures.push(reject)
    })
    this.done = new Promise((resolve, reject) => {
      isDone = resolve
      failures.push(reject)
    })
    // Whoever waits for it hears of it.
    this.ready.catch(() => {})
    this.done.catch(() => {})
    worker.on('message', (report: ClientThreadReport) => {
      if (report.kind === 'ready') isReady()
      else if (report.kind === 'done') isDone(report)
      else fail(report.error)
    })
    worker.on('error', fail)
    worker.on('exit', (code) =>
      fail(new Error(`a client thread ended with code ${code} before its work was done`)),
    )
    signal?.addEventListener('abort', () => fail(signal.reason), { once: true })
  }
}
