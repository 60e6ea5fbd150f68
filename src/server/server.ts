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
import { randomWords } from '../base/random.js'
import { packageVersion } from '../base/version.js'
import { MAX_WINDOW } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import { Client } from '../client/client.js'
import type { ClientOptions } from '../client/client-options.js'
import type { LogFacts } from '../commands/command.js'
import type { DirectStore } from '../store/direct-store.js'
import type { DirectStoreOptions } from '../store/direct-store-options.js'
import type { OpenReport } from '../store/open-sequenced.js'
import { NodeCounters } from './counters.js'
import { type DataDirectory, openDataDirectory } from './data-directory.js'
import type { FixedFacts } from './facts.js'
import { LaneHost } from './lane-host.js'
import { LaneWorkers, type WriterOptions } from './lane-workers.js'
import { LocalMessenger } from './local-messenger.js'
import { describeLogEvent } from './log-events.js'
import { LogStatus } from './log-status.js'
import { openServedTable, type ServedTable } from './served-table.js'
import { type CheckedServerOptions, checkServerOptions, type ServerOptions } from './server-options.js'
import { type SocketWorkers, startSocketWorkers } from './socket-workers.js'
import { type BusHandle, createBus, ThreadBus } from './thread-bus.js'

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

  private constructor(options: CheckedServerOptions, parts: Parts) {
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

/** What a server consists of. */
interface Parts {
  readonly table: ServedTable
  readonly data: DataDirectory | undefined
  readonly log: LogStatus | undefined
  readonly recovered: OpenReport | undefined
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
  data: DataDirectory | undefined,
  release: string,
): Promise<Parts> {
  let stop = (): void => {}
  const asked = new Promise<void>((resolve) => {
    stop = resolve
  })
  const { resp, logger } = options
  const socketWorkers = resp === undefined ? 0 : options.socketWorkers
  const status = LogStatus.create()
  const facts: FixedFacts = {
    version: release,
    startedAtMs: Date.now(),
    host: resp?.host ?? '',
    eviction: options.eviction,
    socketWorkers,
    durability: options.data?.durability ?? 'off',
    counters: NodeCounters.create(socketWorkers),
    log: data && status.handle,
  }
  // The writer thread publishes, too: what transactions say.
  const bus = createBus(socketWorkers + 2)
  const ownBus = new ThreadBus(bus[socketWorkers]!)
  let recovered: OpenReport | undefined
  const writer = writerOptions(options, data, bus.at(-1), status, (report) => {
    recovered = report
  })
  const ledger = Ledger.create(options.maxClients + socketWorkers)
  let hangUp = (_file: number): void => {}
  const workers = await LaneWorkers.start({
    workers: writer === undefined ? options.laneWorkers : 1,
    bell: table.bell,
    ledger,
    table: table.store.share(),
    facts,
    ...(writer === undefined ? {} : { writer }),
    shutdown: stop,
    dropped: (file, reason) => {
      logger?.warn(`a client was dropped for what it wrote into its lane: ${reason}`)
      hangUp(file)
    },
  })
  const serverId = table.region?.id ?? Array.from(randomWords(4))
  const host = new LaneHost({
    bell: table.bell,
    ledger,
    bus: ownBus,
    workers,
    serverId,
    region: table.region,
  })
  hangUp = (file) => host.hangUp(file)
  const fronts = { table, facts, stop, bus }
  const sockets = resp && (await startFronts(options, resp, fronts, host, workers))
  return { table, data, log: writer && status, recovered, host, workers, sockets, asked, stop }
}

/** Undefined without a data directory: then there is no writer thread. */
function writerOptions(
  { data: wanted, capacityBytes, eviction, logger }: CheckedServerOptions,
  data: DataDirectory | undefined,
  bus: BusHandle | undefined,
  { handle: status }: LogStatus,
  recovered: (report: OpenReport) => void,
): WriterOptions | undefined {
  if (wanted === undefined || data === undefined || bus === undefined) return undefined
  const { durability, intervalMs, acceptLoss, onRecovery } = wanted
  const { path: directory, identity } = data
  return {
    data: { bus, status, directory, identity, capacityBytes, eviction, durability, intervalMs, acceptLoss },
    recovering: (progress) => onRecovery?.(progress),
    recovered,
    event: (event) => {
      const { isTrouble, text } = describeLogEvent(event)
      if (isTrouble) logger?.warn(text)
      else logger?.info(text)
    },
  }
}

/** What serves sockets is started with. */
interface FrontParts {
  readonly table: ServedTable
  readonly facts: FixedFacts
  readonly stop: () => void
  readonly bus: readonly BusHandle[]
}

async function startFronts(
  { text }: CheckedServerOptions,
  { host: address, port }: { readonly host: string; readonly port: number },
  { table, facts, stop, bus }: FrontParts,
  host: LaneHost,
  workers: LaneWorkers,
): Promise<SocketWorkers> {
  const bell = table.bell.share()
  const own = bus.slice(0, facts.socketWorkers)
  const lanes = facts.log && own.map(() => ({ file: host.joinThread(MAX_WINDOW).share(), bell }))
  try {
    return await startSocketWorkers({
      address: {
        host: address,
        port,
        text: text && { listen: { host: address, port: text.port }, limits: text.limits },
      },
      table: table.store.share(),
      facts,
      shutdown: stop,
      bus: own,
      ...(lanes === undefined ? {} : { lanes }),
    })
  } catch (cause) {
    await workers.stop()
    const ports = text === undefined ? port : `${port} and ${text.port}`
    throw new OperationError('REFUSED', `cannot listen on ${address}:${ports}`, { cause })
  }
}

function tableOptions(
  { capacityBytes, eviction, stripeBits }: CheckedServerOptions,
  data: DataDirectory | undefined,
): DirectStoreOptions {
  return {
    capacityBytes,
    eviction,
    ...(stripeBits === undefined ? {} : { stripeBits }),
    ...(data === undefined ? {} : { hashKey: data.identity.hashKey, isSequenced: true }),
  }
}
