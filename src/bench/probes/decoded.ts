/**
 * What the decoded-value cache saves: a `get` of a hot object of 1 KB of JSON, beside `JSON.parse` of its text alone
 * (a text that is a string already, no look-up). Key strings are fresh on each use.
 */
import { codecs, SharedMap } from '../../index.js'
import { reportProgress } from '../child.js'
import { DECODED_CACHE, requireDecodedCache } from '../contenders/hearth-cached.js'
import { keyMaker, randomBelow } from '../workload.js'

export interface DecodedRequest {
  readonly hotKeys: number
  readonly operations: number
  readonly turns: number
}

/** Nanoseconds per operation, one figure a turn. */
export interface DecodedResult {
  readonly getNs: readonly number[]
  readonly parseNs: readonly number[]
  readonly jsonBytes: number
}

interface Session {
  readonly id: number
  readonly user: { readonly name: string; readonly mail: string; readonly roles: readonly string[] }
  readonly cart: readonly { readonly article: string; readonly amount: number; readonly price: number }[]
}

const NS_PER_MS = 1e6

/** An object of about 1 KB of JSON, as a web shop would keep for a visitor. */
export function sampleSession(id: number): Session {
  return {
    id,
    user: { name: `Visitor ${id}`, mail: `visitor-${id}@example.org`, roles: ['customer', 'newsletter'] },
    cart: Array.from({ length: 13 }, (_, line) => ({
      article: `article-${(id * 31 + line) % 9973}`.padEnd(20, '-'),
      amount: 1 + (line % 3),
      price: 9.99 + line,
    })),
  }
}

export function probeDecoded({ hotKeys, operations, turns }: DecodedRequest): DecodedResult {
  requireDecodedCache()
  using map = new SharedMap({ capacity: '64MiB', values: codecs.json<Session>(), ...DECODED_CACHE })
  const makeKey = keyMaker()
  const texts = Array.from({ length: hotKeys }, (_, index) => JSON.stringify(sampleSession(index)))
  for (let index = 0; index < hotKeys; index++) map.set(makeKey(index), sampleSession(index))
  const getNs: number[] = []
  const parseNs: number[] = []
  const below = randomBelow(9)
  // The first turn is the warm-up.
  for (let turn = 0; turn <= turns; turn++) {
    const indices = Uint32Array.from({ length: operations }, () => below(hotKeys))
    const keys = Array.from(indices, makeKey)
    globalThis.gc?.()
    const own = timedNs(() => getAll(map, keys), operations)
    const parse = timedNs(() => parseAll(texts, indices), operations)
    if (turn > 0) {
      getNs.push(own)
      parseNs.push(parse)
    }
    reportProgress(turn / turns)
  }
  return { getNs, parseNs, jsonBytes: Buffer.byteLength(texts[0] ?? '') }
}

function timedNs(run: () => number, operations: number): number {
  const startMs = performance.now()
  const sum = run()
  const elapsedMs = performance.now() - startMs
  if (!(sum >= 0)) throw new Error('a value was not there')
  return (elapsedMs * NS_PER_MS) / operations
}

function getAll(map: SharedMap<string, Session>, keys: readonly string[]): number {
  let sum = 0
  for (const key of keys) sum += map.get(key)?.id ?? Number.NaN
  return sum
}

function parseAll(texts: readonly string[], indices: Uint32Array): number {
  let sum = 0
  for (const index of indices) sum += (JSON.parse(texts[index] ?? 'null') as Session).id
  return sum
}
