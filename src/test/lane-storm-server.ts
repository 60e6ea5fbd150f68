/**
 * A lane worker of a storm, in a thread: carries out requests by writing down, in memory that all workers share, which
 * number of which client came last. A number that does not come after the one before is a fault.
 *
 * Some replies are deferred: they are completed after later requests have been looked at.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import type { LaneFileHandle } from '../channel/lane-file.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import { Message } from '../channel/message.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import { answerStorm, isDeferred, STORM } from './lane-storm-message.js'

export interface StormServerData {
  readonly number: number
  readonly ledger: SharedArrayHandle
  readonly bell: SharedHandle
  /** Words, see STORM. */
  readonly board: SharedArrayBuffer
  readonly files: readonly LaneFileHandle[]
  readonly keepsLanes: boolean
}

/** From the main thread. */
export type StormOrder = { readonly detach: number } | 'end'

const data = workerData as StormServerData
const port = parentPort as MessagePort
const board = new Int32Array(data.board)
const deferred: { readonly ticket: number; readonly request: Message }[] = []
const answer = new Message()

const worker = new LaneWorker({
  number: data.number,
  ledger: Ledger.attach(data.ledger),
  bell: Bell.attach(data.bell),
  keepsLanes: data.keepsLanes,
  // They are hardly ever idle here: rest is begun and ended often.
  restsAfter: 1,
  onFault: () => Atomics.add(board, STORM.faults, 1),
  onError: (error) => {
    throw error
  },
  handler(request, reply, ticket) {
    const at = STORM.clients + request.first
    if (Atomics.exchange(board, at, request.second) >= request.second) Atomics.add(board, STORM.disorder, 1)
    Atomics.add(board, STORM.executed, 1)
    if (!isDeferred(request)) {
      answerStorm(request, reply)
      return true
    }
    deferred.push({ ticket, request: request.copy() })
    return false
  },
})
for (const file of data.files) worker.attach(file)
port.postMessage('ready')

for (let isEnded = false; !isEnded; ) {
  const done = worker.poll()
  if (deferred.length > 8 || (done === 0 && deferred.length > 0)) {
    for (const { ticket, request } of deferred.splice(0).reverse()) {
      answerStorm(request, answer)
      worker.complete(ticket, answer)
    }
  } else if (done === 0) worker.sleep(50)
  const order = receiveMessageOnPort(port) as { message: StormOrder } | undefined
  if (order === undefined) continue
  if (order.message === 'end') isEnded = true
  else {
    worker.detach(order.message.detach)
    port.postMessage('detached')
  }
}
worker.close()
