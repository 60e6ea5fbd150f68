/**
 * Entry of the writer thread: recovers the data directory into the node's table, then orders all writes. Everybody hands
 * in and gets back by lanes, clients of other processes and the socket workers of this one alike: it is the only lane
 * worker of its node.
 *
 *   gather (poll lanes; each request is evaluated as it comes)  ->  commit (log, sync, apply)  ->  answer  ->  chores
 *
 * Requests that come while it syncs make the next group. Where there is nothing to do any more it looks on for as long as the
 * next request usually takes to come, if that is short; then it blocks, at most until the level or a chore is due. It comes
 * back to its event loop at least each YIELD_MS, to hear the main thread.
 */
import { setImmediate as yieldToEvents } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { monotonicMs } from '../base/clock.js'
import { isOperationError } from '../base/errors.js'
import { MIB, WAIT_SLICE_MS } from '../base/limits.js'
import { Bell } from '../channel/bell.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import { UsualWait } from '../channel/usual-wait.js'
import { STATUS } from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import { asRefusal } from '../log/disk.js'
import type { Identity } from '../log/identity.js'
import type { LogDurability } from '../log/policy.js'
import { RealDisk } from '../log/real-disk.js'
import { unmapAtExit } from '../memory/mapping-end.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { openOnDisk } from '../store/open-sequenced.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import { attachByName } from '../store/served-region.js'
import { carryOut, type FromLaneWorker, type LaneWorkerData, type ToLaneWorker } from './lane-orders.js'
import { type LogStateEvent, LogStatus, type LogStatusHandle } from './log-status.js'
import { MOST_TOUCHED, touchKeys } from './plain-requests.js'
import { type BusHandle, ThreadBus } from './thread-bus.js'
import { WriterCycle } from './writer-cycle.js'
import { WriterRequests } from './writer-requests.js'

/** What it needs besides what every lane thread does. */
export interface WriterThreadData extends LaneWorkerData {
  readonly status: LogStatusHandle
  /** It publishes what transactions say. */
  readonly bus: BusHandle
  readonly directory: string
  readonly identity: Identity
  readonly capacityBytes: number
  readonly eviction: 'none' | 'clock'
  readonly durability: LogDurability
  readonly intervalMs: number
  readonly acceptLoss: boolean
}

/** Longest time without a look at the event loop. */
const YIELD_MS = 20
/** Requests of one group: what comes later waits for the next. */
const MOST_OF_GROUP = 4096
/** Answers that wait for the log take no more memory than that; with more, the group ends. */
const MOST_HELD_BYTES = 32 * MIB
/** Progress of recovery is told so often. */
const PROGRESS_MS = 100

async function main(): Promise<void> {
  const port = parentPort
  assert(port !== null, 'this file runs as a worker thread')
  const data = workerData as WriterThreadData
  const tell = (message: FromLaneWorker): void => port.postMessage(message)
  const status = new LogStatus(data.status)
  const store = recover(data, status, tell)
  if (store === undefined) return
  status.noteGroup(store, monotonicMs())
  const tellState = (event: LogStateEvent | undefined): void => {
    if (event !== undefined) tell({ kind: 'event', event })
  }
  const bus = new ThreadBus(data.bus)
  const requests = new WriterRequests(data.facts, bus, () => tell({ kind: 'shutdown' }))
  const touch = store.table.newTouch(MOST_TOUCHED)
  let failure: { readonly error: unknown } | undefined
  let isStopping = false
  const worker: LaneWorker = new LaneWorker({
    number: data.number,
    ledger: Ledger.attach(data.ledger),
    bell: Bell.attach(data.bell),
    keepsLanes: true,
    handler: (request, reply, ticket) => {
      if (request.code !== OPERATIONS.flush.code) {
        const isAnswered = cycle.handle(request, reply, ticket)
        if (cycle.heldBytes > MOST_HELD_BYTES) cycle.settle()
        return isAnswered
      }
      reply.clear(STATUS.YES)
      cycle.flush(request, reply)
      return true
    },
    lookAhead: (group, count) => touchKeys(touch, group, count),
    onFault: (file, _lane, reason) => tell({ kind: 'dropped', file: file.id, reason }),
    // A bug of ours: the node does not go on with a thread that has lost its mind.
    onError: (error) => {
      failure ??= { error }
    },
  })
  const cycle = new WriterCycle({
    store,
    run: (overlay, plain, request, reply) => requests.run(overlay, plain, request, reply),
    fail: (code, reply, error) => {
      if (isOperationError(error)) tellState(status.noteRefusal(error, monotonicMs()))
      requests.fail(code, reply, error)
    },
    settled: () => tellState(status.noteGroup(store, monotonicMs())),
    takeSaid: () => requests.takeSaid(),
    complete: (ticket, reply) => worker.complete(ticket, reply),
    monotonicMs,
  })
  port.on('message', (message: ToLaneWorker) => {
    if (message.kind === 'stop') isStopping = true
    else tell(carryOut(worker, message))
  })
  const idle = new UsualWait()
  tell({ kind: 'ready' })
  while (!isStopping) {
    workFor(worker, cycle, store, idle)
    if (failure !== undefined) throw failure.error
    // It may also fail between groups.
    if (store.failure !== undefined && status.facts.state !== 'failed')
      tellState(status.noteGroup(store, monotonicMs()))
    await yieldToEvents()
  }
  cycle.settle()
  worker.close()
  bus.close()
  store.close()
  port.close()
}

/** Undefined if it could not be, which the main thread has been told. */
function recover(
  data: WriterThreadData,
  status: LogStatus,
  tell: (message: FromLaneWorker) => void,
): SequencedStore | undefined {
  let toldMs = monotonicMs()
  try {
    const { store, report } = openOnDisk({
      ...data,
      disk: RealDisk.open(data.directory),
      region: () =>
        data.table.kind === 'mapped' ? attachByName(data.table) : SharedArrayRegion.attach(data.table),
      onProgress: (progress) => {
        if (monotonicMs() - toldMs < PROGRESS_MS) return
        toldMs = monotonicMs()
        tell({ kind: 'recovering', progress })
      },
      onEvent: (event) => {
        if (event.kind === 'snapshot' || event.kind === 'snapshot-failed')
          status.noteSnapshot(event, Date.now())
        tell({ kind: 'event', event })
      },
    })
    tell({ kind: 'recovered', report })
    return store
  } catch (thrown) {
    const error = asRefusal(thrown, data.directory)
    if (!isOperationError(error)) throw error
    const { code, message } = error
    tell({ kind: 'refused', code, message: message.slice(code.length + 2) })
    return undefined
  }
}

/** Until it is time for the event loop. `idle`: how long it has nothing to do, between one request and the next. */
function workFor(worker: LaneWorker, cycle: WriterCycle, store: SequencedStore, idle: UsualWait): void {
  const untilMs = monotonicMs() + YIELD_MS
  let hasWorked = false
  for (;;) {
    const gathered = gather(worker)
    hasWorked ||= gathered > 0
    if (cycle.held > 0 || store.dueInMs(monotonicMs()) <= 0) cycle.settle()
    const nowMs = monotonicMs()
    store.tend(nowMs)
    if (gathered === 0) {
      const dueMs = store.dueInMs(monotonicMs())
      if (dueMs <= 0) {
        if (nowMs >= untilMs) return
        continue
      }
      const idleMs = monotonicMs()
      const lookOnMs = hasWorked ? Math.min(idle.lookOnMs, dueMs) : 0
      if (!lookOn(worker, idleMs + lookOnMs)) {
        worker.sleep(Math.min(WAIT_SLICE_MS, dueMs))
        if (gather(worker) === 0) return
      }
      idle.note(monotonicMs() - idleMs)
      hasWorked = true
    }
    if (nowMs >= untilMs) {
      if (cycle.held > 0) cycle.settle()
      return
    }
  }
}

/** Whether something came, and was taken, before the time was up. */
function lookOn(worker: LaneWorker, untilMs: number): boolean {
  while (monotonicMs() < untilMs) if (worker.poll() > 0) return true
  return false
}

/** Takes what has come, as far as one group goes; returns how much that was. */
function gather(worker: LaneWorker): number {
  let gathered = 0
  for (;;) {
    const some = worker.poll()
    gathered += some
    if (some === 0 || gathered >= MOST_OF_GROUP) return gathered
  }
}

unmapAtExit()
await main()
