/**
 * What a server consists of, and the order in which it starts: its workers, the writer among them where it has a log, the host
 * of the lanes, and the workers of sockets. Whoever calls has opened the data directory and the table, and closes them if this
 * fails.
 */
import { OperationError } from '../base/errors.js'
import { randomWords } from '../base/random.js'
import { MAX_WINDOW } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import type { DirectStoreOptions } from '../store/direct-store-options.js'
import type { OpenReport } from '../store/open-sequenced.js'
import { NodeCounters } from './counters.js'
import type { DataDirectory } from './data-directory.js'
import type { FixedFacts } from './facts.js'
import { LaneHost } from './lane-host.js'
import { LaneWorkers, type WriterOptions } from './lane-workers.js'
import { describeLogEvent } from './log-events.js'
import { LogStatus } from './log-status.js'
import type { ServedTable } from './served-table.js'
import type { CheckedServerOptions } from './server-options.js'
import { type SocketWorkers, startSocketWorkers } from './socket-workers.js'
import { type BusHandle, createBus, ThreadBus } from './thread-bus.js'

/** What a server consists of. */
export interface ServerParts {
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

/** Starts them in order. Throws OperationError REFUSED, with the workers stopped again, if the fronts cannot listen. */
export async function startParts(
  options: CheckedServerOptions,
  table: ServedTable,
  data: DataDirectory | undefined,
  release: string,
): Promise<ServerParts> {
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

/** What the table of such a server is made with. */
export function tableOptions(
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
