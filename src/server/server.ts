/**
 * A server: one table that this process owns, served to every process of the machine through shared memory, and, where
 * `resp` says so, over the Redis protocol. With a data directory, writes are logged before they count.
 *
 * Its threads do the work; the one that started it takes clients in and notices when they go, so it should not block for
 * long. The server keeps the process alive until it is stopped. A name has one server: a second one is refused, and the
 * name of one that died is taken over.
 *
 *   const server = await Server.start({ name: 'hearth', capacity: '256MiB' })
 *   const client = server.client()                         // on this thread; others: Client.connect('hearth')
 *   await server.stop()
 */
import { OperationError } from '../base/errors.js'
import { packageVersion } from '../base/version.js'
import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/client-options.js'
import type { LogFacts } from '../commands/command.js'
import type { DirectStore } from '../store/direct-store.js'
import type { OpenReport } from '../store/open-sequenced.js'
import { type DataDirectory, openDataDirectory } from './data-directory.js'
import type { LaneHost } from './lane-host.js'
import type { LaneWorkers } from './lane-workers.js'
import { LocalMessenger } from './local-messenger.js'
import type { LogStatus } from './log-status.js'
import { openServedTable, type ServedTable } from './served-table.js'
import { type CheckedServerOptions, checkServerOptions, type ServerOptions } from './server-options.js'
import { type ServerParts, startParts, tableOptions } from './server-parts.js'
import type { SocketWorkers } from './socket-workers.js'

export class Server {
  readonly name: string
  /** Address of the Redis protocol, if it is served. */
  readonly resp: { readonly host: string; readonly port: number } | undefined
  /** Port of the line protocol, if it is served. */
  readonly textPort: number | undefined
  /** What was read from the data directory, if there is one. */
  readonly recovered: OpenReport | undefined
  /** Resolves when the server has stopped, whoever asked; rejects when a thread of it failed. */
  readonly stopped: Promise<void>
  readonly #table: ServedTable
  readonly #host: LaneHost
  readonly #data: DataDirectory | undefined
  readonly #log: LogStatus | undefined
  readonly #gone = new Set<() => void>()
  readonly #stop: () => void
  #isRunning = true

  private constructor(options: CheckedServerOptions, parts: ServerParts) {
    const { table, host, sockets, workers, asked, stop } = parts
    this.textPort = sockets?.textPort
    this.recovered = parts.recovered
    this.#data = parts.data
    this.#log = parts.log
    this.name = options.name
    this.resp = options.resp && { host: options.resp.host, port: sockets?.port ?? 0 }
    this.#table = table
    this.#host = host
    this.#stop = stop
    const failures = [workers.failed, ...(sockets === undefined ? [] : [sockets.failed])]
    this.stopped = Promise.race([asked, ...failures]).finally(() => this.#end(workers, sockets))
    // Whoever never looks at `stopped` is not to die of it.
    this.stopped.catch(() => {})
  }

  /**
   * Resolves when clients can connect. Throws TypeError or RangeError for options that cannot be, OperationError REFUSED if
   * another server has the name or the data directory, FULL if there is no memory for it, CORRUPT if data is damaged.
   */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const checked = checkServerOptions(options)
    const release = packageVersion()
    const data = checked.data && (await openDataDirectory(checked.data.directory))
    try {
      const table = openServedTable(checked.name, checked.shm, tableOptions(checked, data), release)
      try {
        if (data === undefined) table.store.reserve(checked.initialSize)
        const server = new Server(checked, await startParts(checked, table, data, release))
        table.opened(server.#host)
        return server
      } catch (error) {
        table.close()
        throw error
      }
    } catch (error) {
      await data?.release()
      throw error
    }
  }

  /** Entries in the table; what has expired and was not touched since may still count. */
  get size(): number {
    this.#checkRunning()
    return this.#table.store.size
  }

  /** Whether other processes can connect to it by its name. */
  get isNamed(): boolean {
    return this.#table.region !== undefined
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Clients that are connected through shared memory. */
  get clients(): number {
    return this.#host.clients
  }

  /** Counters and sizes of the table and, on a durable server, how its log is doing. */
  stats(): ReturnType<DirectStore['stats']> & { readonly log?: LogFacts } {
    this.#checkRunning()
    const stats = this.#table.store.stats()
    return this.#log === undefined ? stats : { ...stats, log: this.#log.facts }
  }

  /** Walks the whole table and throws on a broken invariant; writers wait meanwhile. */
  check(): void {
    this.#checkRunning()
    this.#table.store.check()
  }

  /** A client on this thread. It ends with the server. */
  client<K = string, V = string>(options: ClientOptions<K, V> = {}): Client<K, V> {
    this.#checkRunning()
    return Client.over((window) => {
      const { file, left } = this.#host.join(window)
      const messenger = new LocalMessenger(this.#host.bus)
      let listener = (): void => {}
      return {
        file,
        bell: this.#table.bell,
        region: this.#table.store.region,
        messenger,
        isServerAlive: () => this.#isRunning,
        mapped: () => {},
        onGone: (tell) => {
          listener = tell
          this.#gone.add(tell)
        },
        setReferenced: () => {},
        close: () => {
          this.#gone.delete(listener)
          messenger.close()
          left()
        },
      }
    }, options)
  }

  /** Stops in order: no new clients, those there are told, then the name is free. The same promise however often. */
  stop(): Promise<void> {
    this.#stop()
    return this.stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(workers: LaneWorkers, sockets: SocketWorkers | undefined): Promise<void> {
    // What comes by sockets may still go to the lanes.
    await sockets?.stop()
    await workers.stop()
    this.#isRunning = false
    this.#host.close()
    for (const tell of [...this.#gone]) tell()
    this.#table.close()
    this.#host.bus.close()
    await this.#data?.release()
  }

  #checkRunning(): void {
    if (!this.#isRunning) throw new OperationError('CLOSED', 'this server has stopped')
  }
}
