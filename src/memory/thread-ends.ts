/**
 * Work that must not be cut off by the end of its thread.
 *
 * Once a thread has been told to end (`worker.terminate()`, or the exit of the process or of the thread that started it),
 * its native calls still run until JavaScript is next interrupted, but some of them must then fail, and cannot throw:
 * koffi ends the whole process instead (SIGABRT, `Error::ThrowAsJavaScriptException napi_throw`). So who tells a thread to
 * end waits until no thread is inside such calls (native.ts), and who has been told stays outside.
 *
 * Order of stores: a thread that goes in notes that, then looks whether it or a thread above it is to end; who ends
 * one notes that first, then looks who is inside. Whichever comes second sees the other. Nobody waits without bound: a
 * thread that was cut off inside all the same must not hold up the end of the process.
 *
 * The words are shared by all threads of a process: each inherits them from the one that started it, by its environment
 * data. A thread whose starter had not loaded this file then is beyond its reach, and so is one that is told by
 * anything but JavaScript. Loading it has effects: an exit handler, and `Worker.prototype.terminate` notes the end first.
 */
import { performance } from 'node:perf_hooks'
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId, Worker } from 'node:worker_threads'

interface Inheritance {
  /** Words of two tables of SLOTS: who is inside, who is to end. Each is the thread's number and 1, or 0 for nobody. */
  readonly words: SharedArrayBuffer
  /** Threads whose end is the end of the one that inherits. */
  readonly above: readonly number[]
}

const KEY = 'hearth: ends of threads'
/** By the thread's number; two threads that share a slot would have to be inside at the same time to be mistaken. */
const SLOTS = 1024
/**
 * Longest wait for those inside, which load a library at most: tens of milliseconds, but seconds where dozens of programs
 * compete for the processor, and to go on then would end the process.
 */
const INSIDE_TIMEOUT_MS = 20_000
/** Longest stay outside: a program may call its exit handlers and not exit. Longer than who ends it may wait. */
const OUTSIDE_TIMEOUT_MS = 40_000
const SLICE_MS = 50

const inherited = getEnvironmentData(KEY) as Inheritance | undefined
const above = (inherited?.above ?? []).filter((number) => number !== threadId)
const buffer = inherited?.words ?? new SharedArrayBuffer(2 * SLOTS * 4)
const words = new Int32Array(buffer)
/** This thread and those above it, whoever of them can be ended. */
const line = [...above, threadId]
const ownSlot = threadId % SLOTS
const ownMark = threadId + 1

/** Does `work`, which must be short; sleeps instead if this thread has been told to end. */
export function uncut<Result>(work: () => Result): Result {
  // What ends the main thread runs on it.
  if (isMainThread || Atomics.load(words, ownSlot) === ownMark) return work()
  const deadline = performance.now() + OUTSIDE_TIMEOUT_MS
  Atomics.store(words, ownSlot, ownMark)
  while (line.some(isEnding) && performance.now() < deadline) {
    goOut()
    Atomics.wait(words, SLOTS + ownSlot, Atomics.load(words, SLOTS + ownSlot), SLICE_MS)
    Atomics.store(words, ownSlot, ownMark)
  }
  try {
    return work()
  } finally {
    goOut()
  }
}

/** Says that a thread, and all below it, are about to be told to end; returns once none of them can be inside. */
export function noteEnd(thread: number): void {
  Atomics.store(words, SLOTS + (thread % SLOTS), thread + 1)
  const deadline = performance.now() + INSIDE_TIMEOUT_MS
  for (let slot = 0; slot < SLOTS; slot++) {
    if (slot === ownSlot) continue
    const mark = Atomics.load(words, slot)
    if (mark === 0) continue
    const leftMs = Math.max(0, deadline - performance.now())
    // One that was cut off inside is waited for once only.
    if (Atomics.wait(words, slot, mark, leftMs) === 'timed-out') Atomics.compareExchange(words, slot, mark, 0)
  }
}

function goOut(): void {
  Atomics.store(words, ownSlot, 0)
  Atomics.notify(words, ownSlot)
}

function isEnding(thread: number): boolean {
  return Atomics.load(words, SLOTS + (thread % SLOTS)) === thread + 1
}

setEnvironmentData(KEY, { words: buffer, above: line })
process.on('exit', () => noteEnd(threadId))

const { terminate } = Worker.prototype
Worker.prototype.terminate = function (this: Worker): Promise<number> {
  // Below 0 once it has ended.
  if (this.threadId >= 0) noteEnd(this.threadId)
  return terminate.call(this)
}
