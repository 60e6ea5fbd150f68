/**
 * One entry as a line of a dump: `{"key":"a","value":"1","ttlMs":5000}`. Bytes that are not UTF-8 stand as base64
 * under `key64` or `value64`. `ttlMs` is what is left when the line is written; without one the entry stays.
 */
import { MAX_KEY_BYTES, MAX_TTL_MS, MAX_VALUE_BYTES } from '../base/limits.js'
import { UsageError } from './exit.js'

export interface DumpRecord {
  readonly key?: string
  readonly key64?: string
  readonly value?: string
  readonly value64?: string
  readonly ttlMs?: number
}

export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
  /** Undefined: no expiry. */
  readonly ttlMs: number | undefined
}

const FIELDS: ReadonlySet<string> = new Set(['key', 'key64', 'value', 'value64', 'ttlMs'])
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** `pttlMs` as PTTL answers: negative without an expiry. */
export function recordOf(key: Buffer, value: Buffer, pttlMs: number): DumpRecord {
  return {
    ...textOrBase64('key', key),
    ...textOrBase64('value', value),
    ...(pttlMs >= 0 ? { ttlMs: pttlMs } : {}),
  }
}

/** A key for people and for JSON: text where it is, else base64 under another name. */
export function textOrBase64(name: 'key' | 'value', bytes: Buffer): Record<string, string> {
  const text = utf8Of(bytes)
  return text === undefined ? { [`${name}64`]: bytes.toString('base64') } : { [name]: text }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text that `bytes` are, or `undefined` when they are not UTF-8. */
export function utf8Of(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Reads a line of a dump; throws {@link UsageError} saying what is wrong with it. */
export function parseRecord(line: string): Entry {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch {
    throw new UsageError('not a JSON object')
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw new UsageError('not a JSON object')
  const fields = new Map(Object.entries(record))
  for (const name of fields.keys()) if (!FIELDS.has(name)) throw new UsageError(`unknown field "${name}"`)
  const ttlMs = fields.get('ttlMs')
  if (ttlMs !== undefined && !isTtl(ttlMs)) throw new UsageError('"ttlMs" is a whole number of milliseconds')
  return {
    key: bytesOf(fields, 'key', MAX_KEY_BYTES),
    value: bytesOf(fields, 'value', MAX_VALUE_BYTES),
    ttlMs,
  }
}

function isTtl(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TTL_MS
}

function bytesOf(fields: ReadonlyMap<string, unknown>, name: 'key' | 'value', maxBytes: number): Buffer {
  const text = fields.get(name)
  const base64 = fields.get(`${name}64`)
  if ((text === undefined) === (base64 === undefined))
    throw new UsageError(`either "${name}" or "${name}64" is needed`)
  const bytes = text === undefined ? decodeBase64(base64, name) : encodeText(text, name)
  if (bytes.length > maxBytes) throw new UsageError(`"${name}" is longer than ${maxBytes} bytes`)
  return bytes
}

function encodeText(text: unknown, name: string): Buffer {
  if (typeof text !== 'string') throw new UsageError(`"${name}" is a text`)
  const bytes = Buffer.from(text)
  if (/\p{Surrogate}/u.test(text)) throw new UsageError(`"${name}" holds half a surrogate pair`)
  return bytes
}

function decodeBase64(base64: unknown, name: string): Buffer {
  if (typeof base64 !== 'string' || !BASE64.test(base64)) throw new UsageError(`"${name}64" is base64`)
  return Buffer.from(base64, 'base64')
}
