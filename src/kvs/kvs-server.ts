/**
 * The server of original 002 by its names: memory only, found by its name, with as many worker threads as `start` is told.
 *
 * It stores bytes; what they mean is agreed between its clients. It can be started again after it was stopped, empty.
 */
import { OperationError } from '../base/errors.js'
import { Server } from '../server/server.js'

export interface KVSServerOptions {
  /** Lock stripes of the table, rounded up to a power of two. Default: enough for its capacity. */
  readonly stripes?: number
  /** Most memory for entries: bytes, or text such as '64MiB'. Default '256MiB'. */
  readonly capacity?: number | string
}

const DEFAULT_CAPACITY = '256MiB'

export class KVSServer {
  readonly name: string
  readonly #options: KVSServerOptions
  #server: Server | undefined
  #isBusy = false

  /** Clients connect to `name`. Nothing is opened yet. */
  constructor(name: string, options: KVSServerOptions = {}) {
    this.name = name
    this.#options = options
  }

  /**
   * Starts `num_threads` worker threads, 1 to 30; true when clients can connect, false if it runs already. Rejects with
   * OperationError REFUSED if somebody else serves the name, RangeError for options that cannot be.
   */
  async start(num_threads: number): Promise<boolean> {
    if (this.#server !== undefined || this.#isBusy) return false
    this.#isBusy = true
    try {
      const { stripes, capacity = DEFAULT_CAPACITY } = this.#options
      this.#server = await Server.start({
        name: this.name,
        laneWorkers: num_threads,
        capacity,
        durability: 'off',
        ...(stripes === undefined ? {} : { stripes }),
      })
      return true
    } finally {
      this.#isBusy = false
    }
  }

  /** Answers what it has been asked, then ends the workers; what was stored is gone. Does nothing if it does not run. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.stop()
  }

  /** Key-value pairs stored now. Throws OperationError CLOSED if it does not run. */
  storage_size(): number {
    if (this.#server === undefined)
      throw new OperationError('CLOSED', `the server '${this.name}' does not run`)
    return this.#server.size
  }

  is_running(): boolean {
    return this.#server?.isRunning === true
  }
}
