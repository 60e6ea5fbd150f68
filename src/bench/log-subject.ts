/**
 * Whoever stores durably, measured by how many sets are in flight: a window that is always full, each set a new key of 16
 * bytes with a value of 100, its time from the call to the answer.
 *
 * A subject is opened afresh for each measurement, in a folder on the measured disk. Fronts of Hearth, a redis-server and
 * lmdb are subjects alike; log-durable.ts lists them.
 */
import { LatencyHistogram } from './latency-histogram.js'

export interface OpenSubject {
  /** Resolves when the set is as durable as the subject promises. */
  set(key: string, value: string): Promise<unknown>
  close(): Promise<void>
}

export interface DurableSubject {
  /** With its level: `redis-server, appendfsync always`. */
  readonly name: string
  /** Most sets in flight that make sense; default any. */
  readonly mostInFlight?: number
  open(folder: string): Promise<OpenSubject>
}

export interface DurableResult {
  readonly sets: number
  readonly seconds: number
  readonly times: LatencyHistogram
}

const VALUE = 'v'.repeat(100)
/** Before the clock starts: code is compiled, files have their first pages. */
const WARM_UP_MS = 200

export async function measureDurable(
  subject: DurableSubject,
  folder: string,
  inFlight: number,
  durationMs: number,
): Promise<DurableResult> {
  const opened = await subject.open(folder)
  try {
    let index = await run(opened, inFlight, 0, WARM_UP_MS, new LatencyHistogram())
    const first = index
    const times = new LatencyHistogram()
    const startMs = performance.now()
    index = await run(opened, inFlight, first, durationMs, times)
    return { sets: index - first, seconds: (performance.now() - startMs) / 1000, times }
  } finally {
    await opened.close()
  }
}

/** Keeps the window full for so long; returns the number of the next key. */
async function run(
  subject: OpenSubject,
  inFlight: number,
  from: number,
  durationMs: number,
  times: LatencyHistogram,
): Promise<number> {
  const endMs = performance.now() + durationMs
  let index = from
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const startNs = process.hrtime.bigint()
      await subject.set(String(index++).padStart(16, '0'), VALUE)
      times.record(Number(process.hrtime.bigint() - startNs))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return index
}
