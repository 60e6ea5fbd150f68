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
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import { runOperation } from '../commands/operations/operation-table.js'
import { LaneCommands } from './lane-commands.js'
import { carryOut, type FromLaneWorker, type LaneWorkerData, type ToLaneWorker } from './lane-orders.js'
import { PlainRequests } from './plain-requests.js'
import { openStore } from './worker-store.js'

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
  const plain = new PlainRequests(store)
  const commands = new LaneCommands(store, data.facts, () => tell({ kind: 'shutdown' }))
  const context = {
    store,
    runCommand: (args: readonly Buffer[], protocol: 2 | 3) => commands.run(args, protocol),
  }
  let failure: { readonly error: unknown } | undefined
  let isStopping = false
  const worker = new LaneWorker({
    number: data.number,
    ledger: Ledger.attach(data.ledger),
    bell: Bell.attach(data.bell),
    handler: (request, reply) => {
      if (!plain.run(request, reply)) runOperation(context, request, reply)
      return true
    },
    lookAhead: (requests, count) => plain.lookAhead(requests, count),
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
