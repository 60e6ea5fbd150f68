/**
 * What the table benchmark does and with which data: the list of operations, keys, values and their order.
 *
 * The rules are the same for every contender, also for bench/striped-map.cpp, which repeats them in C++:
 * keys are 16 characters of latin1, made just before the timed loop, one string object an operation (so nobody
 * profits from a hash that an earlier look-up left in the string object, which no real request has), in random
 * order; values are distinct strings, made beforehand as well. The last character of a value is computed from
 * its key, so that a loop can check what it read with one `charCodeAt` an operation.
 *
 * Pure functions of their arguments: the same seed gives the same order in every thread and process.
 */
import { MIB } from '../base/limits.js'
import { zipfRanks } from './zipf.js'

/**
 * Every operation, in the order in which one pass runs them: each leaves what the next one needs, and nothing
 * reads values after the first replace, so that slow contenders may replace some of them only.
 */
export const OPERATIONS = {
  'set-new': 'insert every key into an empty table that grows',
  get: 'read every key once',
  'get-many': 'read every key once, in batches; a loop where a contender has no batch',
  'hot-get': 'read few keys of the full table, a new key string each time',
  'hot-get-same': 'read few keys of the full table, the same key string objects each time',
  'mix-100': 'read keys drawn from the distribution',
  'mix-95': 'keys drawn from the distribution, 95 % reads and 5 % replaces',
  'mix-50': 'keys drawn from the distribution, 50 % reads and 50 % replaces',
  'mix-0': 'replace the values of keys drawn from the distribution',
  'set-update': 'replace every value once',
  'hot-set': 'replace the values of few keys of the full table, a new key string each time',
  delete: 'delete every key once',
} as const

export type Operation = keyof typeof OPERATIONS

/** The operations in pass order. */
export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly Operation[]

/** Those of a plain comparison: all but the mixes, which belong to sweeps. */
export const PLAIN_OPERATIONS = OPERATION_NAMES.filter((operation) => !operation.startsWith('mix-'))

/** How mixes draw their keys: `zipf` has the exponent 0.99, as YCSB has it. */
export type Distribution = 'uniform' | 'zipf'

/** The sizes of one pass. */
export interface Workload {
  readonly keys: number
  readonly valueBytes: number
  readonly hotKeys: number
  /** Operations on the hot keys, of all threads together. */
  readonly hotOperations: number
  /** Operations of each mix, of all threads together. */
  readonly mixOperations: number
  readonly distribution: Distribution
  readonly batch: number
  /** What a pass times, in pass order whatever the order here. Without `set-new` the table is filled untimed. */
  readonly operations: readonly Operation[]
  /** No operation is timed more often than this: a large table is filled untimed for the rest. */
  readonly mostOperations: number
  readonly seed: number
  /** The part of the operations that a slow contender is timed with; 1 for the others. */
  readonly timedReads: number
  readonly timedWrites: number
}

/** One thread's share of one operation: what is made before the clock starts, and what reading must add up to. */
export interface Share {
  readonly operation: Operation
  readonly keys: readonly string[]
  readonly values: readonly string[]
  readonly batches: readonly string[][]
  /** For mixes: 1 where the operation is a read. */
  readonly reads: Uint8Array
  /** For deletes: the letter that each key adds to the sum. */
  readonly letters: Uint8Array
  readonly expectedSum: number
  /** Entries to load before the clock starts, so that the timed ones meet a full table; made as they are asked for. */
  readonly untimed: Iterable<Entries>
}

export interface Entries {
  readonly keys: readonly string[]
  readonly values: readonly string[]
}

const FIRST_LETTER = 'a'.charCodeAt(0)
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1')
const KEY_BYTES = 16

/** A bijection of 32-bit numbers (the finalizer of murmur3), so that different indices give different keys. */
function mix32(index: number): number {
  let hash = Math.imul(index ^ (index >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function writeHex(target: Buffer, offset: number, word: number): void {
  for (let digit = 0; digit < 8; digit++) {
    target[offset + digit] = HEX_DIGITS[(word >>> (28 - 4 * digit)) & 15] ?? 0
  }
}

/** Makes key strings by copying bytes: flat, hash not yet computed, as a parser would hand them over. */
export function keyMaker(): (index: number) => string {
  const scratch = Buffer.alloc(KEY_BYTES)
  return (index) => {
    writeHex(scratch, 0, mix32(index))
    writeHex(scratch, 8, mix32(index ^ 0x5bd1e995))
    return scratch.toString('latin1')
  }
}

export function lastLetter(index: number, revision: number): number {
  return FIRST_LETTER + ((index + revision) % 26)
}

function valueMaker(valueBytes: number): (index: number, revision: number) => string {
  const scratch = Buffer.alloc(valueBytes, 'v')
  return (index, revision) => {
    scratch[valueBytes - 1] = lastLetter(index, revision)
    return scratch.toString('latin1')
  }
}

/** xorshift32, as in striped-map.cpp: the next number below `limit` at each call. */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed | 0 || 1
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) * limit) / 2 ** 32)
  }
}

/** Every index once, shuffled (Fisher-Yates). */
export function shuffledIndices(count: number, seed: number): Uint32Array {
  const below = randomBelow(seed)
  const indices = Uint32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = below(last + 1)
    const held = indices[last] ?? 0
    indices[last] = indices[other] ?? 0
    indices[other] = held
  }
  return indices
}

/** `count` draws of the hot keys, which lie spread over the whole table. */
function hotIndices(workload: Workload, seed: number): Uint32Array {
  const below = randomBelow(seed)
  const hotKeys = Math.min(workload.hotKeys, workload.keys)
  const stride = Math.floor(workload.keys / hotKeys)
  return Uint32Array.from({ length: workload.hotOperations }, () => below(hotKeys) * stride)
}

/** The draws of a mix, with replacement: what is popular at `zipf` is another key in every operation. */
function mixIndices(workload: Workload, seed: number): Uint32Array {
  const { keys, mixOperations: length } = workload
  const below = randomBelow(seed)
  if (workload.distribution === 'uniform') return Uint32Array.from({ length }, () => below(keys))
  const byPopularity = shuffledIndices(keys, seed)
  const rankAt = zipfRanks(keys)
  return Uint32Array.from({ length }, () => byPopularity[rankAt(below(2 ** 32) / 2 ** 32)] ?? 0)
}

const READS: ReadonlySet<Operation> = new Set(['get', 'get-many', 'hot-get', 'hot-get-same', 'mix-100'])
const WRITES: ReadonlySet<Operation> = new Set(['set-new', 'set-update', 'hot-set'])

/** The percentage of reads of a mix; undefined for other operations. */
export function readPercentOf(operation: Operation): number | undefined {
  return operation.startsWith('mix-') ? Number(operation.slice('mix-'.length)) : undefined
}

/**
 * How many times every value has been replaced when `operation` is done; reads come before the first replace, and
 * mixes replace values by their like, so that their reads can be checked.
 */
function revisionOf(operation: Operation): number {
  return operation === 'set-update' || operation === 'hot-set' ? 1 : 0
}

/** How many operations of `operation` are timed, by all threads together. */
export function timedOperations(operation: Operation, workload: Workload): number {
  if (!workload.operations.includes(operation)) return 0
  const all = operation.startsWith('hot-')
    ? workload.hotOperations
    : operation.startsWith('mix-')
      ? workload.mixOperations
      : workload.keys
  const isRead = READS.has(operation)
  const wanted = Math.floor(all * (isRead ? workload.timedReads : workload.timedWrites))
  return Math.max(1, Math.min(wanted, workload.mostOperations))
}

function indicesOf(operation: Operation, workload: Workload, seed: number): Uint32Array {
  if (operation.startsWith('hot-')) return hotIndices(workload, seed)
  if (operation.startsWith('mix-')) return mixIndices(workload, seed)
  return shuffledIndices(workload.keys, seed)
}

/** What a pass runs, in order: what it times, and always `set-new`. */
export function passOperations(workload: Workload): readonly Operation[] {
  return OPERATION_NAMES.filter((name) => name === 'set-new' || workload.operations.includes(name))
}

function threadsPart(indices: Uint32Array, thread: number, threads: number): Uint32Array {
  const from = Math.floor((indices.length * thread) / threads)
  return indices.subarray(from, Math.floor((indices.length * (thread + 1)) / threads))
}

/** Makes the share of `thread` (from 0) of `threads`; all shares together are the whole operation. */
export function makeShare(operation: Operation, workload: Workload, thread: number, threads: number): Share {
  const seed = Math.imul(workload.seed + OPERATION_NAMES.indexOf(operation) + 1, 0x9e3779b1)
  const all = indicesOf(operation, workload, seed)
  const timed = timedOperations(operation, workload)
  const indices = threadsPart(all.subarray(0, timed), thread, threads)
  const untimed =
    operation === 'set-new' ? threadsPart(all.subarray(timed), thread, threads) : new Uint32Array()
  const revision = revisionOf(operation)
  const letters = Uint8Array.from(indices, (index) => lastLetter(index, revision))
  const readPercent = readPercentOf(operation)
  const below = randomBelow(seed ^ (thread + 1))
  const reads =
    readPercent === undefined
      ? new Uint8Array()
      : Uint8Array.from(indices, () => Number(below(100) < readPercent))
  const makeKey = keyMaker()
  const makeValue = valueMaker(workload.valueBytes)
  const writes = WRITES.has(operation)
  const keys = operation === 'hot-get-same' ? sameKeys(indices, makeKey) : Array.from(indices, makeKey)
  return {
    operation,
    keys,
    values:
      writes || readPercent !== undefined ? Array.from(indices, (index) => makeValue(index, revision)) : [],
    batches: operation === 'get-many' ? batchesOf(keys, workload.batch) : [],
    reads,
    letters,
    expectedSum: writes ? 0 : letters.reduce((sum, letter, at) => sum + letter * (reads[at] ?? 1), 0),
    untimed: untimedEntries(untimed, workload.valueBytes),
  }
}

/** In pieces of some MiB, so that a table larger than the heap can be filled. */
function* untimedEntries(indices: Uint32Array, valueBytes: number): Generator<Entries> {
  const makeKey = keyMaker()
  const makeValue = valueMaker(valueBytes)
  const piece = Math.max(1, Math.min(100_000, Math.floor((32 * MIB) / valueBytes)))
  for (let from = 0; from < indices.length; from += piece) {
    const part = indices.subarray(from, from + piece)
    yield { keys: Array.from(part, makeKey), values: Array.from(part, (index) => makeValue(index, 0)) }
  }
}

/** One string object a key, however often it comes. */
function sameKeys(indices: Uint32Array, makeKey: (index: number) => string): string[] {
  const made = new Map<number, string>()
  return Array.from(indices, (index) => {
    const key = made.get(index) ?? makeKey(index)
    made.set(index, key)
    return key
  })
}

function batchesOf(keys: readonly string[], batch: number): string[][] {
  const batches: string[][] = []
  for (let from = 0; from < keys.length; from += batch) batches.push(keys.slice(from, from + batch))
  return batches
}
