/**
 * Entry of a lane worker thread: opens the node's table and carries out what comes by the lanes, until told to stop.
 *
 * It blocks where there is nothing to do, and comes back to its event loop when it is rung for, and at least each YIELD_MS
 * (IDLE_YIELD_MS where there is nothing to do): there it hears the main thread (which rings the bell, so that it does so at
 * once) and keeps house in the table, as the main thread does in any case.
 * From the main thread: {@link LaneWorkerData} once, then {@link ToLaneWorker}; to it: {@link FromLaneWorker}.
 */
import { setImmediate as yieldToEvents } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { monotonicMs } from '../base/clock.js'
import { Bell } from '../channel/bell.js'
import { REST_MS } from '../channel/idle-watch.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import { runOperation } from '../commands/operations/operation-table.js'
import { unmapAtExit } from '../memory/mapping-end.js'
import { LaneCommands } from './lane-commands.js'
import { carryOut, type FromLaneWorker, type LaneWorkerData, type ToLaneWorker } from './lane-orders.js'
import { PlainRequests } from './plain-requests.js'
import { openStore } from './worker-store.js'

/** Longest time without a look at the event loop. */
const YIELD_MS = 20
/** The same after a sleep that nobody has ended: a turn costs more than the sleep. */
const IDLE_YIELD_MS = REST_MS
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
    keepsLanes: data.isOnly,
    looksOn: data.isOnly,
    handler: (request, reply) => {
      if (!plain.run(request, reply)) runOperation(context, request, reply)
      return true
    },
    lookAhead: (requests, count) => plain.lookAhead(requests, count),
    finish: () => plain.finish(),
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
    workFor(worker, () => failure !== undefined)
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
function workFor(worker: LaneWorker, hasFailed: () => boolean): void {
  const startMs = monotonicMs()
  const hasWorkedFor = (ms: number): boolean => monotonicMs() - startMs >= ms
  // Who rang may have been the main thread, even if there was a request as well.
  let mayBeTold = false
  let isIdle = false
  for (let polls = 1; ; polls++) {
    if (isIdle || worker.poll() === 0) {
      if (hasFailed()) return
      const wasRung = worker.sleep(mayBeTold ? YIELD_MS : REST_MS)
      mayBeTold ||= wasRung
      isIdle = worker.poll() === 0
      if (wasRung && (isIdle || hasWorkedFor(YIELD_MS))) return
      if (isIdle && hasWorkedFor(mayBeTold ? YIELD_MS : IDLE_YIELD_MS)) return
    }
    if (polls % POLLS_PER_CLOCK === 0 && hasWorkedFor(YIELD_MS)) return
  }
}

unmapAtExit()
await main()
