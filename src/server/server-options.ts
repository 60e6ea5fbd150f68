/** What a server can be told, with defaults, checked before anything starts. */
import { DEFAULT_CAPACITY_BYTES, MAX_CAPACITY_BYTES, MIN_CAPACITY_BYTES } from '../base/limits.js'
import { parseSize } from '../base/size.js'
import { MAX_LANE_WORKERS } from '../channel/layout.js'
import { DEFAULT_INTERVAL_MS, type LogDurability } from '../log/policy.js'
import {
  checkBoolean,
  checkFunction,
  checkNamedOptions,
  checkWholeNumber,
  type OptionNames,
} from '../map/arguments.js'
import { checkLogger, type Logger } from '../map/logger.js'
import type { RecoveryProgress } from '../store/open-sequenced.js'
import { checkTextLimits, DEFAULT_TEXT_LIMITS, type TextLimits } from '../text/limits.js'

/** What a server tells its program of; a pino logger is one. */
export type ServerLogger = Logger

export interface ServerOptions {
  /** What clients ask for. Default 'hearth'. */
  readonly name?: string
  /** Threads that serve clients, 1 to 30. Default 1. */
  readonly laneWorkers?: number
  /** Threads that serve the Redis protocol, 1 to 64. Default 1; none without `resp`. */
  readonly socketWorkers?: number
  /** Memory for entries and buckets, in bytes or as '256MiB'. Default 64 MiB. */
  readonly capacity?: number | string
  /** Lock stripes, rounded up to a power of two. Default: one for every 512 KiB, at least 16. */
  readonly stripes?: number
  /** Entries to have buckets for from the start. */
  readonly initialSize?: number
  /** What happens when it is full: `'none'` (default) refuses writes, `'clock'` drops what was not used lately. */
  readonly eviction?: 'none' | 'clock'
  /**
   * When a write counts: `'always'` once it is on disk (the default with a `dataDir`), `'interval'` once the kernel has it,
   * which is made to write it out every `intervalMs`, `'os'` without that, `'off'` at once, and nothing is kept (the default
   * without a `dataDir`).
   */
  readonly durability?: Durability
  /** Where data is kept; made if it is not there. Another node cannot use it at the same time. */
  readonly dataDir?: string
  /** Of level `'interval'`: most that a crash of the machine loses, in milliseconds, 1 to 60 000. Default 1000. */
  readonly intervalMs?: number
  /** Starts on a damaged log without what lies behind the damage; the original is kept beside it. */
  readonly acceptLoss?: boolean
  /** Called some ten times a second while the table is read from disk. */
  readonly onRecovery?: (progress: RecoveryProgress) => void
  /** Where to serve the Redis protocol; left out, it is not. Port 0 lets the system choose. */
  readonly resp?: { readonly port?: number; readonly host?: string }
  /** Where to serve the line protocol of kv_server, on the address of `resp`, which it needs. Port 0 lets the system choose. */
  readonly text?: { readonly port: number; readonly limits?: TextLimits }
  /** Allows an address that others can reach: there is no password yet. */
  readonly insecure?: boolean
  /** Most clients at a time, 1 to 4096. Default 256. */
  readonly maxClients?: number
  /**
   * False: the table lies in memory of this process alone, without a name; only `server.client()` and the Redis protocol
   * reach it. Default: true where named tables can be had.
   */
  readonly shm?: boolean
  readonly logger?: ServerLogger
}

const OPTIONS: OptionNames<keyof ServerOptions | 'http'> = {
  name: true,
  laneWorkers: true,
  socketWorkers: true,
  capacity: true,
  stripes: true,
  initialSize: true,
  eviction: true,
  durability: true,
  dataDir: true,
  intervalMs: true,
  acceptLoss: true,
  onRecovery: true,
  resp: true,
  text: true,
  insecure: true,
  maxClients: true,
  shm: true,
  logger: true,
  http: false,
}
const RESP_OPTIONS: OptionNames<keyof NonNullable<ServerOptions['resp']>> = { port: true, host: true }
const TEXT_OPTIONS: OptionNames<keyof NonNullable<ServerOptions['text']>> = { port: true, limits: true }

export interface CheckedDataOptions {
  readonly directory: string
  readonly durability: LogDurability
  readonly intervalMs: number
  readonly acceptLoss: boolean
  readonly onRecovery: ((progress: RecoveryProgress) => void) | undefined
}

export interface CheckedServerOptions {
  readonly name: string
  readonly laneWorkers: number
  readonly socketWorkers: number
  readonly capacityBytes: number
  readonly stripeBits: number | undefined
  readonly initialSize: number
  readonly eviction: 'none' | 'clock'
  /** Undefined: durability is off. */
  readonly data: CheckedDataOptions | undefined
  readonly resp: { readonly port: number; readonly host: string } | undefined
  readonly text: { readonly port: number; readonly limits: TextLimits } | undefined
  readonly maxClients: number
  readonly shm: boolean | undefined
  readonly logger: ServerLogger | undefined
}

export type Durability = LogDurability | 'off'

const LEVELS: readonly Durability[] = ['always', 'interval', 'os', 'off']
const MOST_INTERVAL_MS = 60_000
const DEFAULT_NAME = 'hearth'
export const DEFAULT_RESP_HOST = '127.0.0.1'
export const DEFAULT_RESP_PORT = 6380
const DEFAULT_MAX_CLIENTS = 256
const MOST_CLIENTS = 4096
const MOST_SOCKET_WORKERS = 64
const MOST_STRIPES = 2 ** 17
const MOST_ENTRIES = 2 ** 31 - 1
const MOST_PORT = 65_535

/** Throws TypeError or RangeError for what cannot be. */
export function checkServerOptions(options: ServerOptions): CheckedServerOptions {
  const given = checkNamedOptions(options, 'a Server', "{ name: 'hearth' }", OPTIONS) ?? {}
  const { name = DEFAULT_NAME, eviction = 'none', stripes, capacity = DEFAULT_CAPACITY_BYTES } = given
  const capacityBytes = typeof capacity === 'string' ? parseSize(capacity, 'capacity') : capacity
  if (eviction !== 'none' && eviction !== 'clock')
    throw new RangeError(`eviction is 'none' or 'clock', not '${String(eviction)}'`)
  return {
    name,
    laneWorkers: checkWholeNumber(given.laneWorkers ?? 1, 'laneWorkers', 1, MAX_LANE_WORKERS),
    socketWorkers: checkWholeNumber(given.socketWorkers ?? 1, 'socketWorkers', 1, MOST_SOCKET_WORKERS),
    capacityBytes: checkWholeNumber(capacityBytes, 'capacity', MIN_CAPACITY_BYTES, MAX_CAPACITY_BYTES),
    stripeBits:
      stripes === undefined
        ? undefined
        : Math.ceil(Math.log2(checkWholeNumber(stripes, 'stripes', 1, MOST_STRIPES))),
    initialSize: checkWholeNumber(given.initialSize ?? 0, 'initialSize', 0, MOST_ENTRIES),
    eviction,
    data: checkData(given),
    resp:
      given.resp === undefined ? undefined : checkResp(given.resp, checkBoolean(given.insecure, 'insecure')),
    text: given.text === undefined ? undefined : checkText(given.text, given.resp !== undefined),
    maxClients: checkWholeNumber(given.maxClients ?? DEFAULT_MAX_CLIENTS, 'maxClients', 1, MOST_CLIENTS),
    shm: given.shm === undefined ? undefined : checkBoolean(given.shm, 'shm'),
    logger: checkLogger(given.logger),
  }
}

function checkData(given: ServerOptions): CheckedDataOptions | undefined {
  const { dataDir, durability = dataDir === undefined ? 'off' : 'always', intervalMs, acceptLoss } = given
  if (!LEVELS.includes(durability))
    throw new RangeError(`durability is one of ${LEVELS.join(', ')}, not '${String(durability)}'`)
  if (durability === 'off') {
    if (dataDir === undefined) return undefined
    throw new RangeError('durability off keeps no data: leave out dataDir, or choose another level')
  }
  if (typeof dataDir !== 'string' || dataDir === '')
    throw new TypeError(`durability ${durability} needs dataDir, the path of a directory`)
  return {
    directory: dataDir,
    durability,
    intervalMs: checkWholeNumber(intervalMs ?? DEFAULT_INTERVAL_MS, 'intervalMs', 1, MOST_INTERVAL_MS),
    acceptLoss: acceptLoss === undefined ? false : checkBoolean(acceptLoss, 'acceptLoss'),
    onRecovery: checkListener(given.onRecovery),
  }
}

function checkListener(onRecovery: ServerOptions['onRecovery']): ServerOptions['onRecovery'] {
  if (onRecovery !== undefined) checkFunction(onRecovery, 'onRecovery')
  return onRecovery
}

function checkResp(
  resp: NonNullable<ServerOptions['resp']>,
  isInsecureAllowed: boolean,
): { port: number; host: string } {
  const { port = DEFAULT_RESP_PORT, host = DEFAULT_RESP_HOST } =
    checkNamedOptions(resp, 'resp', '{ port: 6380 }', RESP_OPTIONS) ?? {}
  checkWholeNumber(port, 'resp.port', 0, MOST_PORT)
  if (isInsecureAllowed || isLoopback(host)) return { port, host }
  throw new RangeError(
    `resp.host ${host} can be reached from outside and there is no password: choose 127.0.0.1, or say insecure (--insecure)`,
  )
}

function checkText(text: NonNullable<ServerOptions['text']>, hasResp: boolean): CheckedServerOptions['text'] {
  if (!hasResp) throw new RangeError('text is served beside the Redis protocol: give resp, too')
  checkNamedOptions(text, 'text', '{ port: 6381 }', TEXT_OPTIONS)
  const { port, limits = DEFAULT_TEXT_LIMITS } = text
  return { port: checkWholeNumber(port, 'text.port', 0, MOST_PORT), limits: checkTextLimits(limits) }
}

/** Whether only this machine can reach `host`. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
