/**
 * One client thread of a run: connects, sends the warm-up of its share, says that it is ready, and sends the rest when the
 * start word is set. It blocks while it works, so it hears of nothing else until then; who has no use for it any more
 * terminates it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { ClientWindow } from './client-window.js'
import { type DriveResult, drive, MAX_MISMATCHES } from './drive.js'
import { RequestList } from './request-list.js'
import type { Share } from './shares.js'

export interface ClientThreadRequest {
  readonly name: string
  readonly share: Share
  /** What comes before it in the share is the warm-up. */
  readonly timedFrom: number
  readonly width: number
  readonly check: boolean
  /** Word 0 is 1 when it begins. */
  readonly start: Int32Array
}

export type ClientThreadReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'done'; readonly result: DriveResult; readonly startNs: number; readonly endNs: number }

/** An unbounded wait would outlive whoever was to set the word. */
const WAIT_SLICE_MS = 50

async function run(request: ClientThreadRequest): Promise<void> {
  const { name, share, timedFrom, width, check, start } = request
  const requests = RequestList.attach(share.list)
  const window = await ClientWindow.connect(name, width)
  try {
    const warm = drive(requests, window, { from: share.from, to: timedFrom, width, check })
    report({ kind: 'ready' })
    while (Atomics.load(start, 0) === 0) Atomics.wait(start, 0, 0, WAIT_SLICE_MS)
    const startNs = nowNs()
    const result = drive(requests, window, { from: timedFrom, to: share.to, width, check })
    report({ kind: 'done', result: withFaultsOf(warm, result), startNs, endNs: nowNs() })
  } finally {
    await window.close()
  }
}

function withFaultsOf(warm: DriveResult, result: DriveResult): DriveResult {
  const mismatches = [...warm.mismatches, ...result.mismatches].slice(0, MAX_MISMATCHES)
  return { ...result, wrong: warm.wrong + result.wrong, mismatches }
}

/** The same clock in every thread; exact to some hundred nanoseconds for a century of running. */
const nowNs = (): number => Number(process.hrtime.bigint())

function report(message: ClientThreadReport): void {
  parentPort?.postMessage(message)
}

try {
  await run(workerData as ClientThreadRequest)
} catch (error) {
  // Bugs go their own way, with their stack.
  if (!isOperationError(error)) throw error
  report({ kind: 'failed', error })
}
