/**
 * One participant of a schedule over lanes: a client that sends its requests and waits for them, or a worker that serves
 * until all are carried out. It runs whenever the baton comes, on the instrumented copy of the channel.
 */
import { workerData } from 'node:worker_threads'
import type { Message } from '../channel/message.js'
import { LANE_BOARD, type LaneScheduleData } from './lane-schedule-roles.js'
import {
  assertReply,
  DEFERRED,
  fillReply,
  fillRequest,
  type LaneModules,
  type Request,
} from './lane-world.js'
import { Baton } from './schedule-baton.js'
import { current } from './schedule-hooks.js'

const HOUR_MS = 3_600_000
const data = workerData as LaneScheduleData
const { tree, me, port, role } = data
const baton = new Baton(data.baton, me)
const load = (name: string) => import(`${tree}/channel/${name}.js`)
const modules = {
  ...(await load('lane-file')),
  ...(await load('lane-client')),
  ...(await load('lane-worker')),
  ...(await load('ledger')),
  ...(await load('bell')),
  ...(await load('message')),
} as LaneModules
const board = new Int32Array(data.board)

function playClient(requests: readonly Request[], atOnce: boolean): void {
  const bell = modules.Bell.attach(data.bell)
  const lane = modules.LaneClient.open(modules.LaneFile.attach(data.file), {
    bell,
    isServerAlive: () => true,
  })
  current.stepper = baton
  const flying: { id: number; request: Request }[] = []
  const collect = () => {
    const { id, request } = flying.shift()!
    const reply = new modules.Message()
    if (!lane.wait(id, reply, HOUR_MS)) throw new Error('no reply')
    assertReply(reply, request)
  }
  for (const request of requests) {
    const message: Message = new modules.Message()
    fillRequest(message, request)
    const id = lane.trySubmit(message)
    if (id === 0) throw new Error('no room')
    flying.push({ id, request })
    if (!atOnce) collect()
  }
  while (flying.length > 0) collect()
  Atomics.add(board, LANE_BOARD.ended, 1)
  for (let worker = 0; worker < data.workers; worker++) bell.wake(worker)
}

function playWorker(number: number, keepsLanes: boolean): void {
  const deferred: { ticket: number; request: Message }[] = []
  const worker = new modules.LaneWorker({
    number,
    ledger: modules.Ledger.attach(data.ledger),
    bell: modules.Bell.attach(data.bell),
    keepsLanes,
    clock: () => 0,
    onError: (error) => {
      throw error
    },
    handler(request, reply, ticket) {
      board[LANE_BOARD.numbers + Atomics.add(board, LANE_BOARD.executed, 1)] = request.first
      if ((request.flags & DEFERRED) === 0) {
        fillReply(reply, request.first, request.second)
        return true
      }
      const kept = new modules.Message()
      kept.copyHead(request)
      deferred.push({ ticket, request: kept })
      return false
    },
  })
  worker.attach(data.file)
  current.stepper = baton
  while (Atomics.load(board, LANE_BOARD.ended) < data.clients) {
    if (worker.poll() > 0) continue
    const one = deferred.shift()
    if (one === undefined) {
      worker.sleep(50)
      continue
    }
    const reply = new modules.Message()
    fillReply(reply, one.request.first, one.request.second)
    worker.complete(one.ticket, reply)
  }
}

function play(): string | undefined {
  try {
    if (role.role === 'client') playClient(role.requests, role.atOnce ?? false)
    else playWorker(role.number, role.keepsLanes ?? false)
    return undefined
  } catch (error) {
    return error instanceof Error ? String(error.stack) : String(error)
  } finally {
    current.stepper = undefined
  }
}

for (;;) {
  baton.await()
  port.postMessage({ error: play() })
  baton.finish()
}
