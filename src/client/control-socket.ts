/**
 * The client's end of the registration socket: says hello, waits for the welcome, and then tells when the server goes.
 *
 * Closing it tells the server to take the lanes back; so does the death of this process, in whatever way. It keeps the
 * process alive only while it is told to, or has asked for something about messages.
 */
import { connect, type Socket } from 'node:net'
import { ERROR_CODES, type ErrorCode, OperationError } from '../base/errors.js'
import type { RegionName } from '../memory/region-name.js'
import { controlFile, controlPath } from '../memory/served-files.js'
import {
  type ControlMessage,
  ControlReader,
  controlLine,
  type Hello,
  type Welcome,
} from './control-messages.js'
import { withSocketPath } from './control-path.js'
import { SocketMessenger } from './messenger.js'

/** The server is trusted, but a string has a limit. */
const MAX_TOLD_BYTES = 400 * 1024 * 1024

export class ControlSocket {
  readonly messenger: SocketMessenger
  readonly #socket: Socket
  #isReferenced = false
  #isAskedReferenced = true
  #isAsking = false

  private constructor(socket: Socket, reader: ControlReader, timeoutMs: number) {
    this.#socket = socket
    this.messenger = new SocketMessenger({
      send: (message) => socket.write(controlLine(message)),
      timeoutMs,
      waits: (isAsking) => {
        this.#isAsking = isAsking
        this.#applyReferences()
      },
    })
    reader.allow(MAX_TOLD_BYTES)
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => {
      for (const message of messagesIn(chunk, reader, socket)) this.messenger.receive(message)
    })
    socket.once('close', () => this.messenger.end())
    socket.unref()
  }

  /**
   * Registers with the server of that name. Throws OperationError NO_SERVER at once if none listens, TIMEOUT if it does not
   * answer, and what it refuses with.
   */
  static async open(
    name: RegionName,
    hello: Hello,
    timeoutMs: number,
  ): Promise<{ control: ControlSocket; welcome: Welcome }> {
    const socket = withSocketPath(name.directory, controlFile(name), (path) => connect({ path }))
    // What follows is 'close'.
    let cause: Error | undefined
    socket.on('error', (error) => {
      cause = error
    })
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    const reader = new ControlReader()
    try {
      const welcome = await new Promise<Welcome>((resolve, reject) => {
        let isConnected = false
        socket.once('connect', () => {
          isConnected = true
          socket.write(controlLine(hello))
        })
        socket.on('data', (chunk: Buffer) => {
          try {
            for (const message of reader.read(chunk)) settle(message, resolve, reject)
          } catch (error) {
            reject(
              new OperationError('MISMATCH', `what answers at ${controlPath(name)} is no server`, {
                cause: error,
              }),
            )
          }
        })
        socket.once('close', () =>
          reject(isConnected ? unanswered(name, timeoutMs, cause) : nobody(name, cause)),
        )
      })
      return { control: new ControlSocket(socket, reader, timeoutMs), welcome }
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** The lane file is mapped: it needs its name no more. */
  confirm(): void {
    this.#socket.write(controlLine({ kind: 'mapped' }))
  }

  /** Calls `listener` once, when the server has gone or hung up, or this end was closed. */
  onGone(listener: () => void): void {
    if (this.#socket.destroyed) queueMicrotask(listener)
    else this.#socket.once('close', listener)
  }

  ref(): void {
    this.#isReferenced = true
    this.#applyReferences()
  }

  unref(): void {
    this.#isReferenced = false
    this.#applyReferences()
  }

  /** Whether what it has asked for keeps the process alive; at first it does. */
  referToAsked(areReferenced: boolean): void {
    this.#isAskedReferenced = areReferenced
    this.#applyReferences()
  }

  /** `why`: what becomes of what was asked for. */
  close(why?: OperationError): void {
    this.messenger.end(why)
    this.#socket.destroy()
  }

  #applyReferences(): void {
    if (this.#isReferenced || (this.#isAsking && this.#isAskedReferenced)) this.#socket.ref()
    else this.#socket.unref()
  }
}

/** None, and an end of the connection, if what came is none of a server's. */
function messagesIn(chunk: Buffer, reader: ControlReader, socket: Socket): ControlMessage[] {
  try {
    return [...reader.read(chunk)]
  } catch (error) {
    socket.destroy()
    if (error instanceof SyntaxError || error instanceof RangeError) return []
    throw error
  }
}

function settle(
  message: ControlMessage,
  resolve: (welcome: Welcome) => void,
  reject: (error: Error) => void,
): void {
  if (message.kind === 'welcome') resolve(message)
  else if (message.kind === 'refused') {
    const code = Object.hasOwn(ERROR_CODES, message.code) ? (message.code as ErrorCode) : 'REFUSED'
    reject(new OperationError(code, String(message.message)))
  }
}

function nobody(name: RegionName, cause: Error | undefined): OperationError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'EACCES')
    return new OperationError('REFUSED', `the server of '${name.name}' belongs to another user`, { cause })
  return new OperationError(
    'NO_SERVER',
    `nobody serves '${name.name}' on this machine (${controlPath(name)})`,
    { cause },
  )
}

function unanswered(name: RegionName, timeoutMs: number, cause: Error | undefined): OperationError {
  return new OperationError(
    'NO_SERVER',
    `the server of '${name.name}' did not take this client within ${timeoutMs} ms`,
    {
      cause,
    },
  )
}
