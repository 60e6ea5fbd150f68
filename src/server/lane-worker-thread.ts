/**
 * Entry of a lane worker thread: opens the node's table and carries out what comes by the lanes, until told to stop.
 *
 * It blocks where there is nothing to do, and comes back to its event loop at least each YIELD_MS, and after each sleep:
 * there it hears the main thread (which rings the bell, so that it does so at once) and keeps house in the table.
 * From the main thread: {@link LaneWorkerData} once, then {@link ToLaneWorker}; to it: {@link FromLaneWorker}.
 */
import { setImmediate as yieldToEvents } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { monotonicMs } from '../base/clock.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { Bell } from '../channel/bell.js'
import type { LaneFileHandle } from '../channel/lane-file.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import { runOperation } from '../commands/operations/operation-table.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import type { FixedFacts } from './facts.js'
import { LaneCommands } from './lane-commands.js'
import { openStore } from './worker-store.js'

export interface LaneWorkerData {
  readonly number: number
  readonly bell: SharedHandle
  readonly ledger: SharedArrayHandle
  readonly table: DirectStoreHandle
  readonly facts: FixedFacts
}

export type ToLaneWorker =
  | { readonly kind: 'attach'; readonly order: number; readonly file: LaneFileHandle }
  | { readonly kind: 'detach'; readonly order: number; readonly id: number }
  | { readonly kind: 'stop' }

export type FromLaneWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly order: number }
  | { readonly kind: 'failed'; readonly order: number; readonly message: string }
  | { readonly kind: 'dropped'; readonly file: number; readonly reason: string }
  | { readonly kind: 'shutdown' }

/** Longest time without a look at the event loop. */
const YIELD_MS = 20
const POLLS_PER_CLOCK = 64
const LAST_ROUNDS = 100

async function main(): Promise<void> {
  const port = parentPort
  assert(port !== null, 'this file runs as a worker thread')
  const data = workerData as LaneWorkerData
  const tell = (message: FromLaneWorker): void => port.postMessage(message)
  const store = openStore(data.table)
  const commands = new LaneCommands(store, data.facts, () => tell({ kind: 'shutdown' }))
  const context = { store, runCommand: (args: readonly Buffer[]) => commands.run(args) }
  let failure: { readonly error: unknown } | undefined
  let isStopping = false
  const worker = new LaneWorker({
    number: data.number,
    ledger: Ledger.attach(data.ledger),
    bell: Bell.attach(data.bell),
    handler: (request, reply) => {
      runOperation(context, request, reply)
      return true
    },
    onFault: (file, _lane, reason) => tell({ kind: 'dropped', file: file.id, reason }),
    // A bug of ours: the node does not go on with a thread that has lost its mind.
    onError: (error) => {
      failure ??= { error }
    },
  })
  port.on('message', (message: ToLaneWorker) => {
    if (message.kind === 'stop') isStopping = true
    else tell(carryOut(worker, message))
  })
  tell({ kind: 'ready' })
  while (!isStopping) {
    workFor(worker)
    if (failure !== undefined) throw failure.error
    await yieldToEvents()
  }
  // What has come before the end is still answered, if nobody goes on sending.
  for (let round = 0; round < LAST_ROUNDS && worker.poll() > 0; round++);
  worker.close()
  store.close()
  port.close()
}

function carryOut(worker: LaneWorker, message: Exclude<ToLaneWorker, { kind: 'stop' }>): FromLaneWorker {
  const { order } = message
  try {
    if (message.kind === 'attach') worker.attach(message.file)
    else worker.detach(message.id)
    return { kind: 'done', order }
  } catch (error) {
    return { kind: 'failed', order, message: error instanceof Error ? error.message : String(error) }
  }
}

/** Until it is time for the event loop. */
function workFor(worker: LaneWorker): void {
  const untilMs = monotonicMs() + YIELD_MS
  for (let polls = 1; ; polls++) {
    if (worker.poll() === 0) {
      worker.sleep(WAIT_SLICE_MS)
      if (worker.poll() === 0) return
    }
    if (polls % POLLS_PER_CLOCK === 0 && monotonicMs() >= untilMs) return
  }
}

await main()
