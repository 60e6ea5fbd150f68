/**
 * The few calls of the C library that Node has no name for, through koffi. The only file that knows koffi; it is loaded
 * when the first named region is used, so that everything inside one process works without it.
 *
 * Addresses are plain numbers: user space ends at 2^47, far below 2^53. No call here keeps a pointer after it returns.
 *
 * In a thread that has been told to end, to load koffi, to declare a function and to make a view end the process (SIGABRT):
 * these are done `uncut`. The calls of declared functions just return.
 */
import { createRequire } from 'node:module'
import { arch, constants, platform } from 'node:os'
import { uncut } from './thread-ends.js'

/** What is used of koffi. */
interface Koffi {
  load(path: null): { func(name: string, result: string, parameters: string[]): NativeFunction }
  view(address: bigint, bytes: number): ArrayBuffer
  address(bytes: Uint8Array): bigint
  errno(): number
  readonly version: string
}
type NativeFunction = (...values: (number | string | Uint8Array | null)[]) => number

const PROT_READ = 1
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MADV_REMOVE = 9
const MADV_HUGEPAGE = 14
/** Of the processor; `madvise` takes whole ones. */
const SMALL_PAGE_BYTES = 4096
const FUTEX_WAIT = 0
const FUTEX_WAKE = 1
const EVERYBODY = 0x7fffffff
const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const F_WRLCK = 1
const F_UNLCK = 2
/** Of x64 and arm64; Node does not say it. */
const O_CLOEXEC = 0o2000000
const NS_PER_MS = 1_000_000
/** Number of the system call by processor. */
const SYS_FUTEX: Readonly<Record<string, number>> = { x64: 202, arm64: 98 }

/** `struct flock` of 64-bit Linux: type and whence (16 bits each), start, length (64 bits each, on 8), process. */
const FLOCK_BYTES = 32
const FLOCK_START = 8
const FLOCK_LENGTH = 16

/** What may be done to mapped memory; writing includes reading. */
export type MapAccess = 'read' | 'write'

/** Named regions cannot be had here. `message` says what to do. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
}

export class Native {
  static #loaded: Native | undefined
  readonly #koffi: Koffi
  readonly #futexNumber: number
  readonly #mmap: NativeFunction
  readonly #munmap: NativeFunction
  readonly #madvise: NativeFunction
  readonly #fallocate: NativeFunction
  readonly #fcntl: NativeFunction
  readonly #syscall: NativeFunction
  readonly #mkfifo: NativeFunction
  readonly #open: NativeFunction
  readonly #close: NativeFunction
  readonly #flock = new Uint8Array(FLOCK_BYTES)
  readonly #flockView = new DataView(this.#flock.buffer)
  readonly #timespec = new BigInt64Array(2)
  readonly #timespecBytes = new Uint8Array(this.#timespec.buffer)

  private constructor(koffi: Koffi, futexNumber: number) {
    this.#koffi = koffi
    this.#futexNumber = futexNumber
    const library = koffi.load(null)
    this.#mmap = library.func('mmap', 'intptr_t', ['intptr_t', 'size_t', 'int', 'int', 'int', 'int64_t'])
    this.#munmap = library.func('munmap', 'int', ['intptr_t', 'size_t'])
    this.#madvise = library.func('madvise', 'int', ['intptr_t', 'size_t', 'int'])
    this.#fallocate = library.func('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t'])
    this.#fcntl = library.func('fcntl', 'int', ['int', 'int', 'void *'])
    this.#mkfifo = library.func('mkfifo', 'int', ['str', 'int'])
    this.#open = library.func('open', 'int', ['str', 'int'])
    this.#close = library.func('close', 'int', ['int'])
    this.#syscall = library.func('syscall', 'long', [
      'long',
      'intptr_t',
      'int',
      'int',
      'void *',
      'intptr_t',
      'int',
    ])
  }

  /** What the calls are made by, for reports. */
  get library(): string {
    return `koffi ${this.#koffi.version}`
  }

  /** The same one every time. Throws UnsupportedError where named regions cannot be had. */
  static load(): Native {
    if (Native.#loaded !== undefined) return Native.#loaded
    const futexNumber = SYS_FUTEX[arch()]
    if (platform() !== 'linux' || futexNumber === undefined)
      throw new UnsupportedError(
        `Named tables need Linux on x64 or arm64, this is ${platform()} on ${arch()}. ` +
          'Use new SharedMap() and share() for the threads of one process.',
      )
    Native.#loaded = uncut(() => new Native(loadKoffi(), futexNumber))
    return Native.#loaded
  }

  /**
   * Maps bytes of a file; undefined if the system refuses. A store into memory mapped for 'read' ends the process
   * (SIGSEGV). Unmap with `unmap`, after the last view.
   */
  map(
    descriptor: number,
    offset: number,
    bytes: number,
    access: MapAccess = 'write',
  ): { address: number; buffer: ArrayBuffer } | undefined {
    const protection = access === 'read' ? PROT_READ : PROT_READ_WRITE
    const address = this.#mmap(0, bytes, protection, MAP_SHARED, descriptor, offset)
    if (address === -1) return undefined
    return { address, buffer: uncut(() => this.#koffi.view(BigInt(address), bytes)) }
  }

  /** Gives the memory of a mapped file's bytes back; who still maps them reads zeros. */
  discard(address: number, bytes: number): void {
    this.#madvise(address, bytes, MADV_REMOVE)
  }

  unmap(address: number, bytes: number): void {
    this.#munmap(address, bytes)
  }

  /** Asks for 2 MiB pages under the bytes, none of which has been touched yet. Only a wish: the system may have none. */
  preferHugePages(bytes: Uint8Array): void {
    const address = Number(this.#koffi.address(bytes))
    const first = Math.ceil(address / SMALL_PAGE_BYTES) * SMALL_PAGE_BYTES
    this.#madvise(first, address + bytes.length - first, MADV_HUGEPAGE)
  }

  /** Backs bytes of a file with memory; false if there is none left. Throws on anything else. */
  allocate(descriptor: number, offset: number, bytes: number): boolean {
    const { EINTR, ENOSPC, EDQUOT, ENOMEM } = constants.errno
    for (;;) {
      if (this.#fallocate(descriptor, 0, offset, bytes) === 0) return true
      const code = this.#koffi.errno()
      if (code === ENOSPC || code === EDQUOT || code === ENOMEM) return false
      if (code !== EINTR) throw this.#failure('fallocate', code)
    }
  }

  /** Sleeps until a wake-up of the word at `address`, or `timeoutMs`, or a signal; not at all if it isn't `expected`. */
  futexWait(address: number, expected: number, timeoutMs: number): void {
    const wholeMs = Math.floor(timeoutMs)
    this.#timespec[0] = BigInt(Math.floor(wholeMs / 1000))
    this.#timespec[1] = BigInt((wholeMs % 1000) * NS_PER_MS + Math.floor((timeoutMs - wholeMs) * NS_PER_MS))
    this.#syscall(this.#futexNumber, address, FUTEX_WAIT, expected, this.#timespecBytes, 0, 0)
  }

  futexWake(address: number): void {
    this.#syscall(this.#futexNumber, address, FUTEX_WAKE, EVERYBODY, null, 0, 0)
  }

  /** Makes a named pipe. Throws what the system says, EEXIST for instance. */
  makeFifo(path: string, mode: number): void {
    if (this.#mkfifo(path, mode) !== 0) throw this.#failure(`mkfifo(${path})`, this.#koffi.errno())
  }

  /**
   * Opens a file that is there as a descriptor that a Socket may take over. One of `openSync` may not be: a worker thread
   * notes those, and at its end closes whatever has their numbers by then, be it another thread's file. Throws what the system
   * says, ENOENT for instance.
   */
  open(path: string, flags: number): number {
    const descriptor = this.#open(path, flags | O_CLOEXEC)
    if (descriptor < 0) throw this.#failure(`open(${path})`, this.#koffi.errno())
    return descriptor
  }

  /** Closes one of {@link open}. */
  close(descriptor: number): void {
    this.#close(descriptor)
  }

  /** Locks one byte of an open file for this descriptor; false if another one has it. */
  lockByte(descriptor: number, at: number): boolean {
    this.#fillFlock(F_WRLCK, at, 1)
    if (this.#fcntl(descriptor, F_OFD_SETLK, this.#flock) === 0) return true
    const code = this.#koffi.errno()
    if (code === constants.errno.EAGAIN || code === constants.errno.EACCES) return false
    throw this.#failure('fcntl(F_OFD_SETLK)', code)
  }

  unlockByte(descriptor: number, at: number): void {
    this.#fillFlock(F_UNLCK, at, 1)
    this.#fcntl(descriptor, F_OFD_SETLK, this.#flock)
  }

  /** Whether another descriptor has locked the byte. Takes nothing. */
  isByteLocked(descriptor: number, at: number): boolean {
    this.#fillFlock(F_WRLCK, at, 1)
    if (this.#fcntl(descriptor, F_OFD_GETLK, this.#flock) !== 0)
      throw this.#failure('fcntl(F_OFD_GETLK)', this.#koffi.errno())
    return this.#flockView.getInt16(0, true) !== F_UNLCK
  }

  #fillFlock(type: number, start: number, length: number): void {
    this.#flock.fill(0)
    this.#flockView.setInt16(0, type, true)
    this.#flockView.setBigInt64(FLOCK_START, BigInt(start), true)
    this.#flockView.setBigInt64(FLOCK_LENGTH, BigInt(length), true)
  }

  #failure(call: string, code: number): Error {
    const name = Object.entries(constants.errno).find(([, number]) => number === code)?.[0]
    return Object.assign(new Error(`${call} failed: ${name ?? `error ${code}`}`), {
      code: name,
      syscall: call,
    })
  }
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (cause) {
    throw new UnsupportedError(
      'Named tables need the package koffi with its binary for this system: run npm install koffi ' +
        '(and npm without --omit=optional).',
      { cause },
    )
  }
}
