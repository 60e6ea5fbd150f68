/** A lane worker of the benchmark: answers at once with as little as can be, or with the value it was sent. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import { BENCH_CODES, type LaneBenchData } from './lane-bench-parts.js'

const data = workerData as LaneBenchData
const worker = new LaneWorker({
  number: data.number,
  keepsLanes: data.keepsLanes,
  ledger: Ledger.attach(data.ledger),
  bell: Bell.attach(data.bell),
  handler(request, reply) {
    const { code } = request
    reply.clear(code)
    if (code === BENCH_CODES.PAIR) {
      reply.shape(0, 4)
      reply.words[0] = request.words[1]!
    } else if (code === BENCH_CODES.ECHO) {
      reply.shape(0, request.valueBytes)
      reply.bytes.set(request.bytes.subarray(request.valueAt, request.payloadBytes))
    } else reply.first = request.payloadBytes
    return true
  },
})
for (const file of data.files) worker.attach(file)
parentPort?.postMessage('ready')
while (parentPort === null || receiveMessageOnPort(parentPort) === undefined)
  for (let round = 0; round < 1000; round++)
    if (worker.poll() === 0) {
      worker.sleep(50)
      break
    }
worker.close()
