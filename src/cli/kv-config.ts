/**
 * The config file of original 004: `key=value` lines, `#` begins a comment, blanks around names and values do not
 * count. A name that is not known, or given twice, or a value that can't be is an error with file and line: a slip must
 * not go unnoticed in what decides whether data survives. Pure but for {@link readKvConfig}.
 *
 * | name | default | what it is here |
 * |---|---|---|
 * | num_segments | 64 | lock stripes, rounded up to a power of two |
 * | initial_bucket_size | 16 | checked, and without effect: the table grows by itself |
 * | wal_file | kv_store.wal | the data directory: log and snapshots |
 * | wal_buffer_size | 8192 | checked, and without effect: what waits for the disk goes together |
 * | sync_wal | true | true: durability `always`; false: `os` |
 * | server_port | 6379 | port of the line protocol; 0 lets the system choose |
 * | max_key_size | 1024 | bytes, to 65536 |
 * | max_value_size | 65536 | bytes, to 67108864 |
 * | max_connections | 1000 | |
 */
import { readFileSync } from 'node:fs'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { UsageError } from './exit.js'

export interface KvConfig {
  readonly num_segments: number
  readonly initial_bucket_size: number
  readonly wal_file: string
  readonly wal_buffer_size: number
  readonly sync_wal: boolean
  readonly server_port: number
  readonly max_key_size: number
  readonly max_value_size: number
  readonly max_connections: number
}

export const KV_DEFAULTS: KvConfig = {
  num_segments: 64,
  initial_bucket_size: 16,
  wal_file: 'kv_store.wal',
  wal_buffer_size: 8192,
  sync_wal: true,
  server_port: 6379,
  max_key_size: 1024,
  max_value_size: 65_536,
  max_connections: 1000,
}

const RANGES: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ['num_segments', [1, 131_072]],
  ['initial_bucket_size', [1, 1_000_000_000]],
  ['wal_buffer_size', [1, 1_073_741_824]],
  ['server_port', [0, 65_535]],
  ['max_key_size', [1, MAX_KEY_BYTES]],
  ['max_value_size', [1, MAX_VALUE_BYTES]],
  ['max_connections', [1, 100_000]],
])

/** The settings in `text`; `file` is what messages call it. Throws {@link UsageError}. */
export function parseKvConfig(text: string, file: string): KvConfig {
  const found = new Map<string, string | number | boolean>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const setting = line.replace(/#.*$/, '').trim()
    if (setting === '') continue
    const place = `${file} line ${index + 1}`
    const equals = setting.indexOf('=')
    if (equals < 0) throw new UsageError(`${place}: a setting is name=value, not "${setting}"`)
    const name = setting.slice(0, equals).trim()
    if (!Object.hasOwn(KV_DEFAULTS, name)) {
      throw new UsageError(
        `${place}: there is no setting "${name}"; there are ${Object.keys(KV_DEFAULTS).join(', ')}`,
      )
    }
    if (found.has(name)) throw new UsageError(`${place}: "${name}" is given twice`)
    found.set(name, settingOf(name, setting.slice(equals + 1).trim(), place))
  }
  return { ...KV_DEFAULTS, ...Object.fromEntries(found) }
}

/** As {@link parseKvConfig}, of a file. */
export function readKvConfig(path: string): KvConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  return parseKvConfig(text, path)
}

function settingOf(name: string, text: string, place: string): string | number | boolean {
  const range = RANGES.get(name)
  if (range !== undefined) return numberOf(name, text, range, place)
  if (name === 'sync_wal') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw new UsageError(`${place}: "sync_wal" is true or false, not "${text}"`)
  }
  if (text === '') throw new UsageError(`${place}: "${name}" is a name of a directory`)
  return text
}

function numberOf(name: string, text: string, range: readonly [number, number], place: string): number {
  const [least, most] = range
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new UsageError(`${place}: "${name}" is a whole number from ${least} to ${most}, not "${text}"`)
  return value
}
