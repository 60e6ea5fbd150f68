/**
 * Which threads of this process live.
 *
 * A thread is known by its kernel id and start time, as `/proc` shows them: the id alone is used again. Where there
 * is no `/proc`, the worker's number stands in and only the exit event of a worker tells of its end. With `/proc` that
 * event is no more than an early hint: the thread that would hear it may be the very one that waits.
 */
import { EventEmitter } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { threadId, type Worker } from 'node:worker_threads'

/** The system does not say now, for want of descriptors or memory. */
const UNKNOWN = -1

export interface ThreadIdentity {
  /** Kernel thread id; minus the worker's number and 1 where the system does not tell. Never 0. */
  readonly thread: number
  /** Clock ticks after boot, low 31 bits; 0 where the system does not tell. */
  readonly startTime: number
}

/** An identity as one 64-bit number, for one store: the thread in the low half. */
export function identityBits({ thread, startTime }: ThreadIdentity): bigint {
  return (BigInt(startTime) << 32n) | BigInt(thread >>> 0)
}

export function identityOf(bits: bigint): ThreadIdentity {
  return { thread: Number(BigInt.asIntN(32, bits)), startTime: Number(bits >> 32n) }
}

/** Says whether a thread lives; a parameter, so that tests can let one die without ending it. */
export type Liveness = (identity: ThreadIdentity) => boolean

export function currentThread(): ThreadIdentity {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/')[2])
    const startTime = startTimeOf(thread)
    if (thread > 0 && startTime !== undefined && startTime !== UNKNOWN) return { thread, startTime }
  } catch {
    // No /proc here: fall through to the worker's number.
  }
  return { thread: -(threadId + 1), startTime: 0 }
}

/** Whether the thread of this process still runs; one without a kernel id is taken to live. */
export function isThreadAlive({ thread, startTime }: ThreadIdentity): boolean {
  if (thread < 0) return true
  const found = startTimeOf(thread)
  // In doubt it lives: what a living thread holds must not be repaired.
  return found !== undefined && (found === UNKNOWN || startTime === 0 || found === startTime)
}

/** Start time of a thread of this process; undefined if there is none, or it has ended. */
function startTimeOf(thread: number): number | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ESRCH' ? undefined : UNKNOWN
  }
  // The name in brackets may hold anything, blanks and brackets too: count the fields from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return undefined
  return Number(fields[19]) & 0x7fffffff
}

/** Numbers of this thread's own workers, as they end. Listens from import on: workers may be older than any table. */
const exits = new EventEmitter()
// One listener for each table of this thread, so there is no number of them that would be a leak.
exits.setMaxListeners(0)
process.on('worker', (worker: Worker) => {
  // The number is gone once the worker has ended.
  const { threadId: number } = worker
  worker.once('exit', () => exits.emit('exit', number))
})

/** Calls `listener` with the number of each worker of this thread that ends; returns what stops that. */
export function onWorkerExit(listener: (worker: number) => void): () => void {
  exits.on('exit', listener)
  return () => exits.off('exit', listener)
}
