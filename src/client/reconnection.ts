/**
 * How a client comes to its next connection when one has ended: it tries again and again, in pauses that double, until somebody
 * answers or the client is closed. What a failed try says is told to nobody: there is no caller.
 *
 * Waiting keeps the process alive only if the client as a whole is to.
 */
import { isOperationError } from '../base/errors.js'
import type { Connection } from './connection.js'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 500

export class Reconnection {
  readonly #connect: () => Promise<Connection>
  readonly #connected: (connection: Connection) => void
  #isEnded = false
  #keepsAlive = false
  #timer: NodeJS.Timeout | undefined

  /** `connected` takes the connection over, or throws OperationError: then it is tried again. */
  constructor(connect: () => Promise<Connection>, connected: (connection: Connection) => void) {
    this.#connect = connect
    this.#connected = connected
  }

  begin(): void {
    this.#tryIn(FIRST_PAUSE_MS)
  }

  setReferenced(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    if (keepsAlive) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** Never tries again; a connection that is just being made is closed. */
  end(): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
  }

  #tryIn(pauseMs: number): void {
    if (this.#isEnded) return
    this.#timer = setTimeout(() => void this.#try(pauseMs), pauseMs)
    if (!this.#keepsAlive) this.#timer.unref()
  }

  async #try(pausedMs: number): Promise<void> {
    try {
      const connection = await this.#connect()
      if (this.#isEnded) connection.close()
      else this.#connected(connection)
    } catch (error) {
      // Out of descriptors, say: nobody waits for this, and it may pass.
      const isOfSystem = typeof (error as NodeJS.ErrnoException).syscall === 'string'
      if (!isOfSystem && !isOperationError(error)) throw error
      this.#tryIn(Math.min(LONGEST_PAUSE_MS, pausedMs * 2))
    }
  }
}
