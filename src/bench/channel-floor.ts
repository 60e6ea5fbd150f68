/**
 * The program of a child process that measures what no call between two threads can be faster than: a word that another
 * thread answers with a word, each on a cache line of its own, both looking on all the time. The time of a trip includes
 * one look at the clock, as that of a call does.
 *
 * It depends on where the system puts the threads, and on virtual machines it changes by the minute: so it is measured in
 * the rounds of the calls that it is the floor of.
 */
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { childRequest, reportResult } from './child.js'
import { LatencyHistogram, type SingleTimes, singleTimes } from './latency-histogram.js'

export interface FloorRequest {
  /** Trips that are timed. */
  readonly trips: number
}

/** Words: what is asked, and, a line further, what is answered. */
const ASKED = 0
const ANSWERED = 16
const ENDED = -1
const SELF_PATH = fileURLToPath(import.meta.url)

function answer(words: Int32Array): void {
  parentPort?.postMessage('ready')
  for (let trip = 1; ; ) {
    const asked = Atomics.load(words, ASKED)
    if (asked === ENDED) return
    if (asked === trip) Atomics.store(words, ANSWERED, trip++)
  }
}

async function measure({ trips }: FloorRequest): Promise<SingleTimes> {
  const buffer = new SharedArrayBuffer(256)
  const words = new Int32Array(buffer)
  const worker = new Worker(SELF_PATH, { workerData: buffer })
  await new Promise((resolve) => worker.once('message', resolve))
  let trip = 0
  const run = (count: number): LatencyHistogram => {
    const histogram = new LatencyHistogram()
    for (let i = 0; i < count; i++) {
      trip++
      const beforeMs = performance.now()
      Atomics.store(words, ASKED, trip)
      while (Atomics.load(words, ANSWERED) !== trip);
      histogram.record((performance.now() - beforeMs) * 1e6)
    }
    return histogram
  }
  run(Math.ceil(trips / 4))
  const histogram = run(trips)
  Atomics.store(words, ASKED, ENDED)
  return singleTimes(histogram)
}

if (!isMainThread) answer(new Int32Array(workerData as SharedArrayBuffer))
else if (process.argv[1] === SELF_PATH) reportResult(await measure(childRequest() as FloorRequest))
