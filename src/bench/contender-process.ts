/**
 * The program of one child process of the table benchmark: one contender, one pass to warm up on a small table,
 * one measured pass, and one line of JSON on standard output. A process for each pass, so that no contender lives
 * in another's heap or runs code that was compiled for another's types.
 *
 * Its argument is a {@link PassRequest} as JSON. Thread 0 is this process's main thread; the others are workers
 * of the same file, told by a message when a pass begins, in step by the start line afterwards.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Contender, type ContenderName, loadContender } from './contender.js'
import { type PassTimes, runPass } from './pass.js'
import { StartLine, startLineMemory } from './start-line.js'
import type { Workload } from './workload.js'

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

/** Keys and operations of the warm-up: enough calls for every loop to be compiled at its highest tier. */
const WARM_UP_KEYS = 50_000

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

async function runProcess(request: PassRequest): Promise<void> {
  const { contender: name, threads } = request
  const contender = await loadContender(name)
  const workload: Workload = { ...request.workload, timedFraction: contender.timedFraction }
  const workers = Array.from({ length: threads - 1 }, (_, index) => {
    const data: WorkerRequest = { contender: name, thread: index + 1, threads }
    return new Worker(new URL(import.meta.url), { workerData: data })
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const warmUpKeys = Math.min(WARM_UP_KEYS, workload.keys)
  await measure(contender, workers, threads, {
    ...workload,
    keys: warmUpKeys,
    hotOperations: Math.min(WARM_UP_KEYS, workload.hotOperations),
  })
  const result = await measure(contender, workers, threads, workload)
  await Promise.all(workers.map((worker) => worker.terminate()))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

async function runWorker({ contender: name, thread, threads }: WorkerRequest): Promise<void> {
  const contender = await loadContender(name)
  parentPort?.on('message', ({ handle, lineMemory, workload }: PassMessage) => {
    runPass(contender.attach(handle), workload, thread, threads, new StartLine(lineMemory), () => {})
    parentPort?.postMessage('done')
  })
  parentPort?.postMessage('ready')
}

if (isMainThread) await runProcess(JSON.parse(process.argv[2] ?? ''))
else await runWorker(workerData)
