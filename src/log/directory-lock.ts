/**
 * One node a data directory, right across crashes, without native code: a listening socket in the directory.
 *
 * Node has no file locks, and a file with a process id in it can't be judged (ids come again; another container does
 * not see them). A listening Unix socket dies with its process, and whoever connects learns from the kernel whether it
 * lives: also from another network namespace or container that shares the directory, and also if it is stopped.
 *
 * The socket is bound under a random name and linked to `lock.N`, so that it listens before anybody can find it. The
 * owner is the **highest** N; it is taken by linking N + 1 when nobody listens at N, and it is never removed, only
 * lower ones are. So no two can both find themselves the highest: of two that saw the same dead N, one fails to
 * link; one that links a number which was removed in the meantime finds a higher one when it looks again.
 *
 * Does not hold between machines that share a directory over a network: sockets do not reach across.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, linkSync, openSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { OperationError } from '../base/errors.js'
import { asRefusal, errorCode } from './disk.js'
import { makeDirectory } from './make-directory.js'

const LOCK_NAME = /^lock\.(\d+)$/
const BINDING_NAME = /^lock-binding\./
/** A path that goes into a socket address; longer ones go by the directory's descriptor. */
const MAX_SOCKET_PATH = 100
/** An owner that is stopped does not say who it is; one on a busy machine takes a while. */
const GREETING_MS = 1000
const MAX_ATTEMPTS = 100
const OLD_MS = 60_000

export interface DirectoryLock {
  /** Lets the next one in. The death of the process does the same. */
  release(): Promise<void>
}

/**
 * Takes the directory at `path`, or throws REFUSED with the process that has it, or with why nobody can write there. Makes
 * the directory if need be. `greetingMs`: how long the owner may take to say which process it is.
 */
export async function lockDirectory(path: string, greetingMs = GREETING_MS): Promise<DirectoryLock> {
  try {
    return await takeDirectory(path, greetingMs)
  } catch (error) {
    throw asRefusal(error, path)
  }
}

async function takeDirectory(path: string, greetingMs: number): Promise<DirectoryLock> {
  makeDirectory(path, 0o700)
  const descriptor = openSync(path, 'r')
  const address = (name: string): string => {
    const direct = join(path, name)
    return Buffer.byteLength(direct) <= MAX_SOCKET_PATH ? direct : `/proc/self/fd/${descriptor}/${name}`
  }
  const binding = `lock-binding.${randomBytes(8).toString('hex')}`
  try {
    const server = await listen(address(binding))
    try {
      await takeNumber(path, binding, address, greetingMs)
    } catch (error) {
      await close(server)
      throw error
    } finally {
      removeIfThere(join(path, binding))
    }
    return { release: () => close(server) }
  } finally {
    closeSync(descriptor)
  }
}

/** Links the socket to the number above a dead owner's and sees that nobody has a higher one. */
async function takeNumber(
  path: string,
  binding: string,
  address: (name: string) => string,
  greetingMs: number,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const highest = highestNumber(path)
    if (highest > 0) await assertDead(path, address(`lock.${highest}`), greetingMs)
    const mine = highest + 1
    try {
      linkSync(join(path, binding), join(path, `lock.${mine}`))
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue
      throw error
    }
    if (highestNumber(path) === mine) {
      removeLower(path, mine, binding)
      return
    }
    removeIfThere(join(path, `lock.${mine}`))
  }
  throw new OperationError('REFUSED', `too many want ${path} at once`)
}

function lockNumbers(path: string): number[] {
  return readdirSync(path).flatMap((name) => {
    const number = LOCK_NAME.exec(name)?.[1]
    return number === undefined ? [] : [Number(number)]
  })
}

function highestNumber(path: string): number {
  return Math.max(0, ...lockNumbers(path))
}

/** Removes the names of dead owners, and bindings of those that died before they had a number. */
function removeLower(path: string, mine: number, binding: string): void {
  for (const number of lockNumbers(path)) if (number < mine) removeIfThere(join(path, `lock.${number}`))
  for (const name of readdirSync(path))
    if (BINDING_NAME.test(name) && name !== binding && isOld(join(path, name)))
      removeIfThere(join(path, name))
}

/** Whether nobody can still be between binding this socket and linking it. */
function isOld(path: string): boolean {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > OLD_MS
}

/** Throws REFUSED if somebody listens at `socketPath`. */
async function assertDead(path: string, socketPath: string, greetingMs: number): Promise<void> {
  const socket = createConnection(socketPath)
  try {
    await once(socket, 'connect')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return
    // A full backlog (EAGAIN), and whatever else we do not understand, counts as alive.
    throw new OperationError('REFUSED', `somebody uses ${path}: ${String(error)}`, { cause: error })
  }
  const owner = await greeting(socket, greetingMs)
  throw new OperationError('REFUSED', `${path} is in use by ${owner}`)
}

async function greeting(socket: ReturnType<typeof createConnection>, greetingMs: number): Promise<string> {
  const tooLate = new AbortController()
  // After a long turn of the event loop an answer that came in time is only read now.
  const timer = setTimeout(() => setImmediate(() => tooLate.abort()), greetingMs)
  try {
    const [data] = (await once(socket, 'data', { signal: tooLate.signal })) as [Buffer]
    return `process ${data.toString('latin1').slice(0, 20)}`
  } catch {
    return 'a process that does not answer'
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(String(process.pid))
  })
  server.listen({ path, exclusive: true })
  await once(server, 'listening')
  server.unref()
  return server
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
