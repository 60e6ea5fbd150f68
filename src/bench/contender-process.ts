/**
 * The program of one child process of the table benchmark: one contender, passes to warm up on small tables, one
 * measured pass, and one result for the process that started it. A process for each pass, so that no contender lives
 * in another's heap or runs code that was compiled for another's types.
 *
 * Its request is a {@link PassRequest}. Thread 0 is this process's main thread; the others are workers
 * of the same file, told by a message when a pass begins, in step by the start line afterwards.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { MIB } from '../base/limits.js'
import { childRequest, reportResult } from './child.js'
import type { Contender } from './contender.js'
import { type ContenderName, loadContender } from './contender-list.js'
import { type PassTimes, runPass } from './pass.js'
import { StartLine, startLineMemory } from './start-line.js'
import { passOperations, timedOperations, type Workload } from './workload.js'

export interface PassRequest {
  readonly contender: Exclude<ContenderName, 'cpp'>
  readonly threads: number
  readonly workload: Workload
}

export interface PassResult {
  readonly times: PassTimes
  readonly memoryBytes?: number
}

interface PassMessage {
  readonly handle: unknown
  readonly lineMemory: SharedArrayBuffer
  readonly workload: Workload
}

interface WorkerRequest {
  readonly contender: Exclude<ContenderName, 'cpp'>
  readonly thread: number
  readonly threads: number
}

/** Operations of the warm-up, enough calls for every loop to be compiled at its highest tier, and their bytes. */
const WARM_UP_OPERATIONS = 30_000
/** A run of some hundred operations only shows that it works: no need to be warm. */
const WARM_UPS_AN_OPERATION = 5
const WARM_UP_BYTES = 64 * MIB
/** Several tables: code compiled for the only table of a process is thrown away when the second one is made. */
const WARM_UPS = 3

async function measure(
  contender: Contender,
  workers: readonly Worker[],
  threads: number,
  workload: Workload,
): Promise<PassResult> {
  const open = contender.open(workload)
  const lineMemory = startLineMemory(threads)
  const finished = workers.map((worker) => once(worker, 'message'))
  for (const worker of workers) {
    worker.postMessage({ handle: open.handle, lineMemory, workload } satisfies PassMessage)
  }
  let memoryBytes: number | undefined
  const times = runPass(open.table, workload, 0, threads, new StartLine(lineMemory), () => {
    memoryBytes = open.memoryBytes()
  })
  await Promise.all(finished)
  open.close()
  return memoryBytes === undefined ? { times } : { times, memoryBytes }
}

function warmUpOf(workload: Workload): Workload {
  const timed = passOperations(workload).map((operation) => timedOperations(operation, workload))
  const fitting = Math.max(1, Math.floor(WARM_UP_BYTES / workload.valueBytes))
  const most = Math.min(WARM_UP_OPERATIONS, Math.max(...timed) * WARM_UPS_AN_OPERATION, fitting)
  return {
    ...workload,
    keys: most,
    hotOperations: most,
    mixOperations: most,
  }
}

async function runProcess(request: PassRequest): Promise<void> {
  const { contender: name, threads } = request
  const contender = await loadContender(name)
  const { timedReads, timedWrites } = contender
  const workload: Workload = { ...request.workload, timedReads, timedWrites }
  const workers = Array.from({ length: threads - 1 }, (_, index) => {
    const data: WorkerRequest = { contender: name, thread: index + 1, threads }
    return new Worker(new URL(import.meta.url), { workerData: data })
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  for (let turn = 0; turn < WARM_UPS; turn++) await measure(contender, workers, threads, warmUpOf(workload))
  const result = await measure(contender, workers, threads, workload)
  await Promise.all(workers.map((worker) => worker.terminate()))
  reportResult(result)
}

async function runWorker({ contender: name, thread, threads }: WorkerRequest): Promise<void> {
  const contender = await loadContender(name)
  parentPort?.on('message', ({ handle, lineMemory, workload }: PassMessage) => {
    runPass(contender.attach(handle), workload, thread, threads, new StartLine(lineMemory), () => {})
    parentPort?.postMessage('done')
  })
  parentPort?.postMessage('ready')
}

if (isMainThread) await runProcess(childRequest() as PassRequest)
else await runWorker(workerData)
