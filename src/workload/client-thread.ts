/**
 * One client thread of a run: connects, says that it is ready, and sends its share when the start word is set. It blocks
 * while it works, so it hears of nothing else until then; who has no use for it any more terminates it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { ClientWindow } from './client-window.js'
import { type DriveResult, drive } from './drive.js'
import { RequestList } from './request-list.js'
import type { Share } from './shares.js'

export interface ClientThreadRequest {
  readonly name: string
  readonly share: Share
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

async function run({ name, share, width, check, start }: ClientThreadRequest): Promise<void> {
  const requests = RequestList.attach(share.list)
  const window = await ClientWindow.connect(name, width)
  try {
    report({ kind: 'ready' })
    while (Atomics.load(start, 0) === 0) Atomics.wait(start, 0, 0, WAIT_SLICE_MS)
    const startNs = nowNs()
    const result = drive(requests, window, { from: share.from, to: share.to, width, check })
    report({ kind: 'done', result, startNs, endNs: nowNs() })
  } finally {
    await window.close()
  }
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
