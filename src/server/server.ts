/**
 * A server: one table that this process owns, served to every process of the machine through shared memory, and, where
 * `resp` says so, over the Redis protocol. Memory only.
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
import { randomWords } from '../base/random.js'
import { packageVersion } from '../base/version.js'
import { Ledger } from '../channel/ledger.js'
import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/client-options.js'
import type { DirectStore } from '../store/direct-store.js'
import type { FixedFacts } from './facts.js'
import { LaneHost } from './lane-host.js'
import { LaneWorkers } from './lane-workers.js'
import { openServedTable, type ServedTable } from './served-table.js'
import { type CheckedServerOptions, checkServerOptions, type ServerOptions } from './server-options.js'
import { type SocketWorkers, startSocketWorkers } from './socket-workers.js'

export class Server {
  readonly name: string
  /** Address of the Redis protocol, if it is served. */
  readonly resp: { readonly host: string; readonly port: number } | undefined
  /** Resolves when the server has stopped, whoever asked; rejects when a thread of it failed. */
  readonly stopped: Promise<void>
  readonly #table: ServedTable
  readonly #host: LaneHost
  readonly #gone = new Set<() => void>()
  readonly #stop: () => void
  #isRunning = true

  private constructor(options: CheckedServerOptions, parts: Parts) {
    const { table, host, sockets, workers, asked, stop } = parts
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
   * another server has the name, FULL if there is no memory for it.
   */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const checked = checkServerOptions(options)
    const release = packageVersion()
    const table = openServedTable(checked.name, checked.shm, tableOptions(checked), release)
    try {
      table.store.reserve(checked.initialSize)
      const server = new Server(checked, await startParts(checked, table, release))
      table.control?.open(server.#host)
      return server
    } catch (error) {
      table.close()
      throw error
    }
  }

  /** Entries in the table; what has expired and was not touched since may still count. */
  get size(): number {
    this.#checkRunning()
    return this.#table.store.size
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Clients that are connected through shared memory. */
  get clients(): number {
    return this.#host.clients
  }

  /** Counters and sizes of the table. */
  stats(): ReturnType<DirectStore['stats']> {
    this.#checkRunning()
    return this.#table.store.stats()
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
      let listener = (): void => {}
      return {
        file,
        bell: this.#table.bell,
        region: this.#table.store.region,
        isServerAlive: () => this.#isRunning,
        mapped: () => {},
        onGone: (tell) => {
          listener = tell
          this.#gone.add(tell)
        },
        setReferenced: () => {},
        close: () => {
          this.#gone.delete(listener)
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
    await Promise.all([workers.stop(), sockets?.stop()])
    this.#isRunning = false
    this.#host.close()
    for (const tell of [...this.#gone]) tell()
    this.#table.close()
  }

  #checkRunning(): void {
    if (!this.#isRunning) throw new OperationError('CLOSED', 'this server has stopped')
  }
}

/** What a server consists of. */
interface Parts {
  readonly table: ServedTable
  readonly host: LaneHost
  readonly workers: LaneWorkers
  readonly sockets: SocketWorkers | undefined
  /** Resolves when somebody wants it to stop. */
  readonly asked: Promise<void>
  readonly stop: () => void
}

async function startParts(
  options: CheckedServerOptions,
  table: ServedTable,
  release: string,
): Promise<Parts> {
  let stop = (): void => {}
  const asked = new Promise<void>((resolve) => {
    stop = resolve
  })
  const { resp, logger } = options
  const facts: FixedFacts = {
    version: release,
    startedAtMs: table.store.nowMs(),
    host: resp?.host ?? '',
    eviction: options.eviction,
    socketWorkers: options.socketWorkers,
  }
  const ledger = Ledger.create(options.maxClients)
  let hangUp = (_file: number): void => {}
  const workers = await LaneWorkers.start({
    workers: options.laneWorkers,
    bell: table.bell,
    ledger,
    table: table.store.share(),
    facts,
    shutdown: stop,
    dropped: (file, reason) => {
      logger?.warn(`a client was dropped for what it wrote into its lane: ${reason}`)
      hangUp(file)
    },
  })
  const serverId = table.region?.id ?? Array.from(randomWords(4))
  const host = new LaneHost({ bell: table.bell, ledger, workers, serverId, region: table.region })
  hangUp = (file) => host.hangUp(file)
  const sockets = resp === undefined ? undefined : await startRedis(resp, table, facts, stop, workers)
  return { table, host, workers, sockets, asked, stop }
}

async function startRedis(
  address: { readonly host: string; readonly port: number },
  table: ServedTable,
  facts: FixedFacts,
  stop: () => void,
  workers: LaneWorkers,
): Promise<SocketWorkers> {
  try {
    return await startSocketWorkers(address, table.store.share(), facts, stop)
  } catch (cause) {
    await workers.stop()
    throw new OperationError('REFUSED', `cannot listen on ${address.host}:${address.port}`, { cause })
  }
}

function tableOptions({ capacityBytes, eviction, stripeBits }: CheckedServerOptions) {
  return { capacityBytes, eviction, ...(stripeBits === undefined ? {} : { stripeBits }) }
}
