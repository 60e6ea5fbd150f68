/**
 * What a node can be told, with defaults, checked before anything starts: a wrong option is a `RangeError` or
 * `TypeError` that names it, and nothing has been opened.
 */
import { availableParallelism } from 'node:os'
import { DEFAULT_CAPACITY_BYTES, MAX_CAPACITY_BYTES, MIN_CAPACITY_BYTES } from '../base/limits.js'
import type { Store } from '../store/store.js'
import { checkTextLimits, DEFAULT_TEXT_LIMITS, type TextLimits } from '../text/limits.js'

export interface NodeOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly respHost?: string
  /** Default 6380; 0 lets the system choose. */
  readonly respPort?: number
  /** Threads that serve sockets, 1 to 64. Default 2, or 1 on a machine with one core. */
  readonly socketWorkers?: number
  /** Bytes of the table. Default 64 MiB. */
  readonly capacityBytes?: number
  /** What happens when it is full: `'none'` (default) refuses writes, `'clock'` drops what was not used lately. */
  readonly eviction?: 'none' | 'clock'
  /** Allows an address that others can reach: there is no password yet. */
  readonly insecure?: boolean
  /** Port of the line protocol, on the same address; 0 lets the system choose. Default: that front is left out. */
  readonly textPort?: number
  /** What its clients may ask for. Default {@link DEFAULT_TEXT_LIMITS}. */
  readonly textLimits?: TextLimits
  /** Serves this store on the calling thread instead of a shared table on workers. For tests. */
  readonly store?: Store
}

export type CheckedNodeOptions = Required<Omit<NodeOptions, 'store' | 'textPort'>> &
  Pick<NodeOptions, 'store' | 'textPort'>

export const DEFAULT_RESP_HOST = '127.0.0.1'
export const DEFAULT_RESP_PORT = 6380
const MAX_PORT = 65_535
const MAX_SOCKET_WORKERS = 64
const DEFAULT_SOCKET_WORKERS = 2

/** Fills in defaults; throws on what cannot be. */
export function checkNodeOptions(options: NodeOptions): CheckedNodeOptions {
  const checked = {
    ...options,
    respHost: options.respHost ?? DEFAULT_RESP_HOST,
    respPort: options.respPort ?? DEFAULT_RESP_PORT,
    socketWorkers: options.socketWorkers ?? Math.min(DEFAULT_SOCKET_WORKERS, availableParallelism()),
    capacityBytes: options.capacityBytes ?? DEFAULT_CAPACITY_BYTES,
    eviction: options.eviction ?? 'none',
    insecure: options.insecure ?? false,
    textLimits: checkTextLimits(options.textLimits ?? DEFAULT_TEXT_LIMITS),
  }
  checkRange('resp-port', checked.respPort, 0, MAX_PORT)
  if (checked.textPort !== undefined) checkRange('text-port', checked.textPort, 0, MAX_PORT)
  checkRange('socket-workers', checked.socketWorkers, 1, MAX_SOCKET_WORKERS)
  checkRange('capacity', checked.capacityBytes, MIN_CAPACITY_BYTES, MAX_CAPACITY_BYTES)
  if (checked.eviction !== 'none' && checked.eviction !== 'clock') {
    throw new RangeError(`eviction is 'none' or 'clock', not '${String(checked.eviction)}'`)
  }
  if (!checked.insecure && !isLoopback(checked.respHost)) {
    throw new RangeError(
      `resp-host ${checked.respHost} can be reached from outside and there is no password: choose 127.0.0.1, or say --insecure`,
    )
  }
  return checked
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
  }
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
