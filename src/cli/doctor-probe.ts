/**
 * One probe of `hearth doctor`, in a process of its own: what is tried here may end it. The probe's name and a scratch file
 * are on the command line; what it found is printed as one line, and whatever is thrown is the trouble.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, ftruncateSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { Native } from '../memory/native.js'

const BYTES = 4096
const NEVER_MS = 5000
const SOON_MS = 20
const VALUE = 0x48545248
/** The byte that the probe of kernel locks is about. */
const LOCKED_AT = 7

/** Loads the native calls, and says what by. */
function probeKoffi(): string {
  return Native.load().library
}

/** Asks for memory, maps it twice, and sees in one mapping what was stored in the other. */
function probeMapping(path: string): string {
  const native = Native.load()
  const descriptor = openScratch(path)
  assert(native.allocate(descriptor, 0, BYTES), 'there is memory for one page')
  const written = native.map(descriptor, 0, BYTES)
  const read = native.map(descriptor, 0, BYTES, 'read')
  assert(written !== undefined && read !== undefined, 'the system maps files')
  new Int32Array(written.buffer)[1] = VALUE
  assert(new Int32Array(read.buffer)[1] === VALUE, 'what one mapping stores the other one sees')
  closeSync(descriptor)
  return 'fallocate and mmap, for writing and read-only'
}

/** Sleeps on a word: not at all, until the time is over, and until another thread's wake-up. */
async function probeFutex(path: string): Promise<string> {
  const native = Native.load()
  const address = mapScratch(path).address
  const waitMs = (expected: number, timeoutMs: number): number => {
    const startedMs = performance.now()
    native.futexWait(address, expected, timeoutMs)
    return performance.now() - startedMs
  }
  assert(waitMs(1, NEVER_MS) < NEVER_MS / 2, 'nobody sleeps on a word that has changed')
  assert(waitMs(0, SOON_MS) >= SOON_MS / 2, 'who waits sleeps')
  const worker = new Worker(new URL(import.meta.url), { workerData: path })
  const startedMs = performance.now()
  const woken = new Promise<void>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
  const waker = setInterval(() => native.futexWake(address), SOON_MS / 4)
  await woken
  clearInterval(waker)
  assert(performance.now() - startedMs < NEVER_MS, 'who is woken wakes')
  return 'waits and wakes across mappings'
}

/** Has a process of its own lock a byte, and kills it: the lock is seen while that lives, and is free once it is dead. */
async function probeLocks(path: string): Promise<string> {
  const native = Native.load()
  const own = openScratch(path)
  assert(!native.isByteLocked(own, LOCKED_AT), 'a byte that nobody has locked is free')
  const holder = spawn(process.execPath, [fileURLToPath(import.meta.url), 'hold', path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const ended = once(holder, 'exit')
    const says = await Promise.race([once(holder.stdout, 'data'), ended.then(() => undefined)])
    assert(says !== undefined, 'a process can lock a free byte')
    assert(native.isByteLocked(own, LOCKED_AT) && !native.lockByte(own, LOCKED_AT), 'others see the lock')
    assert(!native.isByteLocked(own, LOCKED_AT + 1), 'and only that')
    assert(holder.kill('SIGKILL'), 'a process can be killed')
    const [, signal] = (await ended) as [number | null, string | null]
    assert(signal === 'SIGKILL', 'it was alive until then')
    assert(
      !native.isByteLocked(own, LOCKED_AT) && native.lockByte(own, LOCKED_AT),
      'a lock goes with its process',
    )
  } finally {
    holder.kill('SIGKILL')
    closeSync(own)
  }
  return 'locks of open files (F_OFD_SETLK), which go with a killed process'
}

/** In a process of its own: locks the byte, says so, and waits for its end; that of whoever waits for it is one, too. */
function holdLock(path: string): Promise<string> {
  assert(Native.load().lockByte(openScratch(path), LOCKED_AT), 'a free byte can be locked')
  process.stdout.write('locked\n')
  process.stdin.resume().once('end', () => process.exit())
  return new Promise(() => {})
}

function openScratch(path: string): number {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  ftruncateSync(descriptor, BYTES)
  return descriptor
}

function mapScratch(path: string): { address: number; buffer: ArrayBuffer } {
  const descriptor = openScratch(path)
  const mapping = Native.load().map(descriptor, 0, BYTES)
  closeSync(descriptor)
  assert(mapping !== undefined, 'the system maps files')
  return mapping
}

const PROBES: Readonly<Record<string, (path: string) => string | Promise<string>>> = {
  koffi: probeKoffi,
  mapping: probeMapping,
  futex: probeFutex,
  locks: probeLocks,
  hold: holdLock,
}

if (!isMainThread) {
  Native.load().futexWait(mapScratch(workerData as string).address, 0, NEVER_MS)
} else {
  const [name = '', path = ''] = process.argv.slice(2)
  try {
    console.log(await PROBES[name]?.(path))
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
