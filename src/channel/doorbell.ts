/**
 * The doorbell of a client process that sleeps in its event loop, where no futex reaches it: a named pipe beside its lane
 * file. Who has answered writes one byte, and only if the lane says that its user is in its event loop.
 *
 * A pipe and no socket: nobody has to accept or to be connected, so a client is rung whichever worker answered it, and a
 * worker never waits (a full pipe has rung already). Both ends open it for reading and writing, so neither is ever told
 * that the other has gone: that is learnt elsewhere. Clients of the same process need none: they use Atomics.waitAsync.
 *
 * What is rung for is found in the lane. A byte too many or too few costs a look, or 50 ms.
 */
import { closeSync, constants, fstatSync, openSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { OperationError } from '../base/errors.js'
import { Native } from '../memory/native.js'
import { SAFELY } from '../memory/region-name.js'
import { uncut } from '../memory/thread-ends.js'
import { FILE_MODE } from './mapped-file.js'

const ONE_BYTE = new Uint8Array(1)
const BY_NODE = { open: openSync, close: closeSync }

/** Where the doorbell of a lane file is. */
export function doorbellPath(lanePath: string, lane: number): string {
  return `${lanePath}.bell-${lane}`
}

/** The end of a worker. */
export class Doorbell {
  #descriptor: number

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** Makes the pipe. What was there before is removed. */
  static create(path: string): void {
    rmSync(path, { force: true })
    Native.load().makeFifo(path, FILE_MODE)
  }

  static open(path: string): Doorbell {
    return new Doorbell(openPipe(path, BY_NODE))
  }

  ring(): void {
    if (this.#descriptor < 0) return
    try {
      writeSync(this.#descriptor, ONE_BYTE)
    } catch {
      // Full: it rings already.
    }
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor)
    this.#descriptor = -1
  }
}

/** Those of all lanes of a file, or none: throws if one is not there. */
export function openDoorbells(lanePath: string, lanes: number): Doorbell[] {
  const doorbells: Doorbell[] = []
  try {
    for (let lane = 0; lane < lanes; lane++) doorbells.push(Doorbell.open(doorbellPath(lanePath, lane)))
  } catch (error) {
    for (const doorbell of doorbells) doorbell.close()
    throw error
  }
  return doorbells
}

/** The end of a client: calls `listener` in the event loop. Keeps the process alive unless unref'd. */
export function listenTo(path: string, listener: () => void): Socket {
  const native = Native.load()
  // Uncut: between the two nobody would close the descriptor.
  const socket = uncut(() => new Socket({ fd: openPipe(path, native), readable: true, writable: false }))
  socket.on('data', listener)
  // The pipe is ours to read; what may be wrong with it shows in that nobody is woken, which a timer makes good.
  socket.on('error', () => socket.destroy())
  return socket
}

/** `by`: whoever opens it closes it too, or hands it to who does. */
function openPipe(path: string, by: Pick<Native, 'open' | 'close'>): number {
  const descriptor = by.open(path, constants.O_RDWR | SAFELY)
  const stats = fstatSync(descriptor)
  if (stats.isFIFO() && stats.uid === process.geteuid?.()) return descriptor
  by.close(descriptor)
  throw new OperationError('REFUSED', `${path} is not opened: it is no pipe of this user.`)
}
