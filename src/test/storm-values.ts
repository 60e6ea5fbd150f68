/**
 * Values that prove themselves: each names its key and a sequence number and carries a CRC-32 over all of it, so a
 * torn value (parts of two), a foreign one (another key's) and an old one (a sequence that goes back) are told apart
 * from a good one by looking. Values too short for that are a pure function of key and length. Texts are ASCII or a
 * mix of one- to four-byte characters; sizes run from nothing to 200 KB, mostly small.
 */
import { crc32 } from 'node:zlib'
import type { SeededRandom } from './seeded-random.js'

/** How the storm writes, and judges, values of one type. */
export interface StormForm<V> {
  make(id: number, sequence: number, random: SeededRandom): V
  /** The sequence number, or -1 for a short value; throws when the value is not one of key `id`. */
  judge(id: number, value: V): number
}

export const LARGEST_BODY = 200_000
const SHORT_LIMIT = 12
const HEADER_BYTES = 12

/** Key `id`: short ASCII, non-ASCII, or long. */
export function stormKey(id: number): string {
  if (id % 10 === 3) return `ключ-${id}`
  if (id % 10 === 7) return `k${id}-${'p'.repeat(50 + ((id * 37) % 1500))}`
  return `k${id}`
}

export function stormId(key: string): number {
  return Number(/\d+/.exec(key)?.[0] ?? -1)
}

/** Mostly small, one in a hundred up to 200 KB. */
export function stormSize(random: SeededRandom): number {
  const draw = random.below(100)
  if (draw < 70) return random.below(120)
  if (draw < 90) return random.below(2000)
  if (draw < 99) return random.below(16_000)
  return random.below(LARGEST_BODY)
}

const POOL_LENGTH = LARGEST_BODY + 4096
let pools: { ascii: string; mixed: string; bytes: Buffer } | undefined

/** Text and bytes that bodies are cut from: made once a thread. */
function pool(): { ascii: string; mixed: string; bytes: Buffer } {
  if (pools !== undefined) return pools
  const characters = ['é', 'ß', '漢', '字', '😀', '𝒳', 'a', ' ']
  const ascii: string[] = []
  const mixed: string[] = []
  for (let at = 0; at < POOL_LENGTH; at++) {
    ascii.push(String.fromCharCode(32 + ((at * 7919 + (at >> 7)) % 90)))
    mixed.push(characters[(at * 31 + (at >> 5)) % characters.length] ?? 'a')
  }
  const bytes = Buffer.alloc(POOL_LENGTH)
  for (let at = 0; at < POOL_LENGTH; at++) bytes[at] = (at * 7919 + (at >> 8)) & 0xff
  return (pools = { ascii: ascii.join(''), mixed: mixed.join(''), bytes })
}

const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00

/** `length` units of `text` from `start`, moved so that no surrogate pair is cut. */
function cut(text: string, start: number, length: number): string {
  const from = isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start
  const to = isLowSurrogate(text.charCodeAt(from + length)) ? from + length + 1 : from + length
  return text.slice(from, to)
}

function shortText(id: number, length: number): string {
  let text = ''
  for (let at = 0; at < length; at++)
    text += String.fromCharCode(97 + ((id * 31 + length * 7 + at * 13) % 26))
  return text
}

function complain(id: number, what: string, value: string): never {
  throw new Error(
    `the value of key ${id} ${what}: ${value.length} long, ${JSON.stringify(value.slice(0, 80))}`,
  )
}

export const STORM_TEXT: StormForm<string> = {
  make(id, sequence, random) {
    const size = stormSize(random)
    if (size < SHORT_LIMIT) return shortText(id, size)
    const { ascii, mixed } = pool()
    const body = cut(random.oneIn(3) ? mixed : ascii, random.below(4000), size)
    const rest = `${id}#${sequence}#${body}`
    return `${crc32(rest)}#${rest}`
  },
  judge(id, value) {
    if (value.length < SHORT_LIMIT && !value.includes('#')) {
      if (value !== shortText(id, value.length)) complain(id, 'is a foreign or torn short text', value)
      return -1
    }
    const mark = value.indexOf('#')
    const rest = value.slice(mark + 1)
    if (Number(value.slice(0, mark)) !== crc32(rest)) complain(id, 'is torn', value)
    const [owner, sequence] = rest.split('#', 2)
    if (Number(owner) !== id) complain(id, 'is foreign', value)
    return Number(sequence)
  },
}

function shortByte(id: number, length: number, at: number): number {
  return (id * 31 + length * 7 + at * 13) & 0xff
}

export const STORM_BYTES: StormForm<Uint8Array> = {
  make(id, sequence, random) {
    const size = stormSize(random)
    if (size < HEADER_BYTES) return Uint8Array.from({ length: size }, (_, at) => shortByte(id, size, at))
    const value = Buffer.allocUnsafe(size)
    const start = random.below(4000)
    pool().bytes.copy(value, HEADER_BYTES, start, start + size - HEADER_BYTES)
    value.writeUInt32LE(id, 4)
    value.writeUInt32LE(sequence, 8)
    value.writeUInt32LE(crc32(value.subarray(4)), 0)
    return value
  },
  judge(id, bytes) {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (value.length < HEADER_BYTES) {
      const whole = value.every((byte, at) => byte === shortByte(id, value.length, at))
      if (!whole) complain(id, 'is a foreign or torn short value', value.toString('hex'))
      return -1
    }
    if (value.readUInt32LE(0) !== crc32(value.subarray(4))) complain(id, 'is torn', value.toString('hex'))
    if (value.readUInt32LE(4) !== id) complain(id, 'is foreign', value.toString('hex'))
    return value.readUInt32LE(8)
  },
}
