/**
 * The registration socket of a server: takes clients in, and knows at once when one has gone, by the end of its
 * connection, which the kernel brings about whatever it died of.
 *
 * It is there, with mode 0600, from the moment it has its name: it is bound in a directory that nobody else can look
 * into, and renamed. What clients send is bounded and suspected; a bad one is hung up on, and the others never notice.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { isOperationError } from '../base/errors.js'
import {
  CONTROL_VERSION,
  type ControlMessage,
  ControlReader,
  controlLine,
  MAX_REQUEST_LINE_BYTES,
  type Request,
  type Welcome,
} from '../client/control-messages.js'
import { withSocketPath } from '../client/control-path.js'
import type { Bus } from '../commands/bus.js'
import type { RegionName } from '../memory/region-name.js'
import { controlPath, unfinishedControlPath } from '../memory/served-files.js'
import { ControlListener } from './control-listener.js'

export interface Applicant {
  readonly process: number
  readonly window: number
}

/** Takes clients in and out. */
export interface Admission {
  /** Where they publish and subscribe. */
  readonly bus: Bus
  /** Makes what the client needs; `hangUp` ends its connection. Throws OperationError or RangeError to refuse it. */
  admit(client: Applicant, hangUp: () => void): Promise<Admitted>
}

export interface Admitted {
  readonly welcome: Welcome
  /** It has mapped its files. */
  mapped(): void
  /** Its connection has ended: by itself, or because the server hung up on one who may still use what it has mapped. */
  left(byItself: boolean): void
}

/** For one who connects and says nothing. */
const HELLO_TIMEOUT_MS = 5000
const BACKLOG = 511

export class ControlServer {
  readonly #server: Server
  readonly #path: string
  readonly #sockets = new Set<Socket>()
  readonly #release: string
  #admission: Admission | undefined
  #waiting: { readonly socket: Socket; readonly registration: Registration }[] = []

  private constructor(path: string, release: string) {
    this.#path = path
    this.#release = release
    this.#server = createServer((socket) => this.#accept(socket))
    this.#server.unref()
  }

  /** Listens under the name, whose lock must be held: what lies there is replaced. Clients wait until `open`. */
  static listenLocked(name: RegionName, release: string): ControlServer {
    const control = new ControlServer(controlPath(name), release)
    const hidden = mkdtempSync(unfinishedControlPath(name))
    try {
      // Later errors show in that nobody can connect; one of binding shows in that there is no socket to rename.
      control.#server.on('error', () => {})
      // Exclusive: in a worker of node:cluster it is bound here and now too, not by the primary some time later.
      withSocketPath(hidden, 'socket', (path) =>
        control.#server.listen({ path, backlog: BACKLOG, exclusive: true }),
      )
      chmodSync(join(hidden, 'socket'), 0o600)
      renameSync(join(hidden, 'socket'), control.#path)
    } catch (error) {
      control.#server.close()
      throw error
    } finally {
      rmSync(hidden, { recursive: true, force: true })
    }
    return control
  }

  /** Clients are taken in from now on. */
  open(admission: Admission): void {
    this.#admission = admission
    for (const { socket, registration } of this.#waiting) {
      registration.begin()
      socket.resume()
    }
    this.#waiting = []
  }

  /** Removes the name. Under the lock of the name, and only if it is still this server's. */
  concealLocked(): void {
    rmSync(this.#path, { force: true })
  }

  /** Clients connected now. */
  get clients(): number {
    return this.#sockets.size
  }

  /** Hangs up on everybody. */
  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
    const registration = new Registration(socket, this.#release, () => this.#admission)
    // However long it takes this server to begin: the client has a limit of its own.
    if (this.#admission !== undefined) registration.begin()
    else this.#waiting.push({ socket: socket.pause(), registration })
  }
}

/** One client: hello, welcome, mapped, and then only publish/subscribe. */
class Registration {
  readonly #socket: Socket
  readonly #release: string
  readonly #admissionOf: () => Admission | undefined
  readonly #reader = new ControlReader()
  #timer: NodeJS.Timeout | undefined
  #expects: 'hello' | 'mapped' | 'requests' | 'nothing' = 'hello'
  #admitted: Admitted | undefined
  #listener: ControlListener | undefined
  #hasGone = false

  constructor(socket: Socket, release: string, admissionOf: () => Admission | undefined) {
    this.#socket = socket
    this.#release = release
    this.#admissionOf = admissionOf
  }

  /** Expects its hello from now on. */
  begin(): void {
    if (this.#socket.destroyed) return
    this.#timer = setTimeout(() => this.#socket.destroy(), HELLO_TIMEOUT_MS).unref()
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    const gone = (): void => {
      this.#hasGone = true
    }
    // Neither comes from hanging up.
    this.#socket.once('end', gone)
    this.#socket.once('error', gone)
    this.#socket.once('close', () => {
      clearTimeout(this.#timer)
      this.#listener?.close()
      this.#admitted?.left(this.#hasGone)
    })
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.read(chunk)) this.#handle(message)
    } catch {
      this.#socket.destroy()
    }
  }

  #handle(message: ControlMessage): void {
    if (message.kind === 'hello' && this.#expects === 'hello') {
      this.#expects = 'nothing'
      void this.#welcome(message)
    } else if (message.kind === 'mapped' && this.#expects === 'mapped') {
      this.#beginRequests()
    } else if (this.#expects === 'requests' && isRequest(message)) this.#listener?.handle(message)
    else this.#socket.destroy()
  }

  #beginRequests(): void {
    clearTimeout(this.#timer)
    this.#admitted?.mapped()
    this.#expects = 'requests'
    this.#reader.allow(MAX_REQUEST_LINE_BYTES)
    const bus = this.#admissionOf()?.bus
    this.#listener = bus && new ControlListener(this.#socket, bus)
  }

  async #welcome(hello: {
    readonly version: unknown
    readonly release: unknown
    readonly process: unknown
    readonly window: unknown
  }): Promise<void> {
    const { version, release, process, window } = hello
    if (version !== CONTROL_VERSION) {
      const text = `the server is hearthkv ${this.#release}, this client ${String(release).slice(0, 40)}: use the same release on both sides`
      this.#refuse('MISMATCH', text)
      return
    }
    const admission = this.#admissionOf()
    if (admission === undefined || !Number.isSafeInteger(process) || !Number.isSafeInteger(window)) {
      this.#socket.destroy()
      return
    }
    try {
      const admitted = await admission.admit({ process: process as number, window: window as number }, () =>
        this.#socket.destroy(),
      )
      if (this.#socket.destroyed) {
        // It has not heard of its files.
        admitted.left(true)
        return
      }
      this.#admitted = admitted
      this.#expects = 'mapped'
      this.#socket.write(controlLine(admitted.welcome))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (isOperationError(error)) this.#refuse(error.code, message.slice(error.code.length + 2))
      else this.#refuse('REFUSED', message)
    }
  }

  #refuse(code: string, message: string): void {
    this.#socket.end(controlLine({ kind: 'refused', code, message }))
  }
}

function isRequest(message: ControlMessage): message is Request {
  const { kind } = message
  return kind === 'subscribe' || kind === 'unsubscribe' || kind === 'publish'
}
