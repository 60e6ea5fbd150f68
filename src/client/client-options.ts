/** What a client can be told, and which of its operations go by the window; checked at the edge. */
import { MAX_WINDOW } from '../channel/layout.js'
import type { Codec } from '../codec/codec.js'
import { checkNamedOptions, checkWholeNumber, type OptionNames } from '../map/arguments.js'
import { checkTimeout, DEFAULT_TIMEOUT_MS } from './call-options.js'

export interface ClientOptions<K, V> {
  /** Codecs of this client; default strings. A served table holds raw bytes, and numbers as decimal text. */
  readonly keys?: Codec<K>
  readonly values?: Codec<V>
  /** Most requests in flight, 1 to 4096. Default 64. Calls with promises beyond wait for room. */
  readonly window?: number
  /** Milliseconds until a call fails with TIMEOUT, unless it says otherwise. Default 5000. */
  readonly timeoutMs?: number
}

const OPTIONS: OptionNames<keyof ClientOptions<unknown, unknown>> = {
  keys: true,
  values: true,
  window: true,
  timeoutMs: true,
}

const WINDOWED_NAMES = [
  'get',
  'has',
  'set',
  'insert',
  'replace',
  'delete',
  'take',
  'exchange',
  'getEntry',
  'increment',
  'hit',
  'expire',
  'persist',
  'remainingTtlMs',
  'scan',
  'size',
  'clear',
  'stats',
] as const

/** Operations that are one request: those that can be submitted. */
export type WindowedName = (typeof WINDOWED_NAMES)[number]
export const WINDOWED: ReadonlySet<string> = new Set(WINDOWED_NAMES)

const DEFAULT_WINDOW = 64

/** Throws TypeError or RangeError. */
export function checkClientOptions<K, V>(
  options: ClientOptions<K, V>,
): { window: number; timeoutMs: number } {
  const { window, timeoutMs } = checkNamedOptions(options, 'a Client', '{ window: 64 }', OPTIONS) ?? {}
  return {
    window: window === undefined ? DEFAULT_WINDOW : checkWholeNumber(window, 'window', 1, MAX_WINDOW),
    timeoutMs: timeoutMs === undefined ? DEFAULT_TIMEOUT_MS : checkTimeout(timeoutMs),
  }
}
