/**
 * The lane workers of a server, seen from its main thread: starts them, has them take up and put down lane files, and says
 * when one has failed.
 *
 * Workers block on futexes, so a message alone does not reach them: the bell is rung for each. All of them serve all files.
 */
import { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { OperationError } from '../base/errors.js'
import { inheritedFlags } from '../base/worker-flags.js'
import type { Bell } from '../channel/bell.js'
import type { LaneFileHandle } from '../channel/lane-file.js'
import type { Ledger } from '../channel/ledger.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import type { OpenReport, RecoveryProgress } from '../store/open-sequenced.js'
import type { FixedFacts } from './facts.js'
import type { FromLaneWorker, LaneWorkerData, LogEvent, ToLaneWorker } from './lane-orders.js'
import { portsOf } from './thread-bus.js'
import type { WriterThreadData } from './writer-thread.js'

const ENTRY = new URL('./lane-worker-thread.js', import.meta.url)
const WRITER_ENTRY = new URL('./writer-thread.js', import.meta.url)
const STOP_TIMEOUT_MS = 5000

export interface LaneWorkersOptions {
  readonly workers: number
  readonly bell: Bell
  readonly ledger: Ledger
  readonly table: DirectStoreHandle
  readonly facts: FixedFacts
  /** One writer thread, in place of workers that each change the table. Its bus ports are transferred. */
  readonly writer?: WriterOptions
  /** Somebody asks the node to stop. */
  readonly shutdown: () => void
  /** A lane was dropped for what its client wrote there. */
  readonly dropped: (file: number, reason: string) => void
}

/** What the writer thread is started with, and whom it tells what. */
export interface WriterOptions {
  readonly data: Omit<WriterThreadData, keyof LaneWorkerData>
  readonly recovering: (progress: RecoveryProgress) => void
  readonly recovered: (report: OpenReport) => void
  readonly event: (event: LogEvent) => void
}

/** One listener of the process for all servers that it may have: from the eleventh on Node would print a warning. */
const processEnd = new EventEmitter()
processEnd.setMaxListeners(0)
process.on('exit', () => processEnd.emit('exit'))

export class LaneWorkers {
  readonly #options: LaneWorkersOptions
  readonly #workers: Worker[] = []
  readonly #exits: Promise<void>[] = []
  /** What each order waits for: the number of workers that have not carried it out, and who is to know. */
  readonly #orders = new Map<number, { left: number; resolve: () => void; reject: (error: Error) => void }>()
  #nextOrder = 1
  /** A process that exits waits for its threads, and those that rest would take half a second to notice. */
  readonly #hurry = (): void => {
    this.#options.ledger.noteEnd()
    for (const number of this.#workers.keys()) this.#options.bell.wake(number)
  }
  #fail: (error: unknown) => void = () => {}
  /** Rejects when a worker has ended unasked. */
  readonly failed: Promise<never>

  private constructor(options: LaneWorkersOptions) {
    this.#options = options
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
  }

  /** Resolves when all of them poll. Throws what stopped one of them from that. */
  static async start(options: LaneWorkersOptions): Promise<LaneWorkers> {
    const workers = new LaneWorkers(options)
    processEnd.on('exit', workers.#hurry)
    try {
      await Promise.all(Array.from({ length: options.workers }, (_, number) => workers.#start(number)))
      return workers
    } catch (error) {
      await workers.stop()
      throw error
    }
  }

  get count(): number {
    return this.#workers.length
  }

  /** Resolves when all workers serve the file. */
  attach(file: LaneFileHandle): Promise<void> {
    return this.#order({ kind: 'attach', order: this.#nextOrder, file })
  }

  /** Resolves when none has it any more. */
  detach(id: number): Promise<void> {
    return this.#order({ kind: 'detach', order: this.#nextOrder, id })
  }

  async stop(): Promise<void> {
    this.#tell({ kind: 'stop' })
    const timer = setTimeout(() => {
      for (const worker of this.#workers) void worker.terminate()
    }, STOP_TIMEOUT_MS)
    await Promise.all(this.#exits)
    clearTimeout(timer)
    processEnd.off('exit', this.#hurry)
    const gone = new OperationError('CLOSED', 'the server has stopped')
    for (const { reject } of this.#orders.values()) reject(gone)
    this.#orders.clear()
  }

  #order(order: Extract<ToLaneWorker, { order: number }>): Promise<void> {
    this.#nextOrder += 1
    return new Promise((resolve, reject) => {
      this.#orders.set(order.order, { left: this.#workers.length, resolve, reject })
      this.#tell(order)
    })
  }

  #tell(message: ToLaneWorker): void {
    this.#workers.forEach((worker, number) => {
      worker.postMessage(message)
      this.#options.bell.wake(number)
    })
  }

  #start(number: number): Promise<void> {
    const { bell, ledger, table, facts, writer, workers } = this.#options
    const handles = { bell: bell.share(), ledger: ledger.share(), table }
    const data: LaneWorkerData = { number, isOnly: workers === 1, ...handles, facts }
    const worker =
      writer === undefined
        ? new Worker(ENTRY, { ...inheritedFlags(), workerData: data })
        : new Worker(WRITER_ENTRY, {
            ...inheritedFlags(),
            workerData: { ...data, ...writer.data },
            transferList: portsOf(writer.data.bus),
          })
    this.#workers[number] = worker
    return new Promise((resolve, reject) => {
      this.#exits.push(new Promise((done) => worker.once('exit', () => done())))
      const ended = (error: unknown): void => {
        reject(error)
        this.#fail(error)
      }
      worker.on('error', ended)
      worker.on('exit', (code) => ended(new OperationError('REFUSED', `a lane worker ended with ${code}`)))
      worker.on('message', (message: FromLaneWorker) => {
        if (message.kind === 'ready') resolve()
        else if (message.kind === 'refused') ended(new OperationError(message.code, message.message))
        else this.#hear(message)
      })
    })
  }

  #hear(message: Exclude<FromLaneWorker, { kind: 'ready' | 'refused' }>): void {
    const { writer } = this.#options
    if (message.kind === 'shutdown') this.#options.shutdown()
    else if (message.kind === 'dropped') this.#options.dropped(message.file, message.reason)
    else if (message.kind === 'recovering') writer?.recovering(message.progress)
    else if (message.kind === 'recovered') writer?.recovered(message.report)
    else if (message.kind === 'event') writer?.event(message.event)
    else {
      const order = this.#orders.get(message.order)
      if (order === undefined) return
      order.left -= 1
      if (message.kind === 'failed') order.reject(new OperationError('REFUSED', message.message))
      else if (order.left > 0) return
      else order.resolve()
      this.#orders.delete(message.order)
    }
  }
}
