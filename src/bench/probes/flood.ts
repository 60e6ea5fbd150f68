/**
 * Look-ups of keys that an adversary chose, beside random keys of the same lengths: two tables of one process, read
 * by turns. The ratio is 1 for a hash that the adversary can't know.
 */
import { SharedMap } from '../../index.js'
import { reportProgress } from '../child.js'
import { integerKeys, MOST_FLOOD_KEYS, murmurFloodKeys, randomKeysLike } from '../flood-keys.js'

export interface FloodRequest {
  readonly kind: 'murmur' | 'integers'
  /** At most 2^17. */
  readonly keys: number
  readonly turns: number
}

/** Nanoseconds per look-up, one figure a turn. */
export interface FloodResult {
  readonly chosenNs: readonly number[]
  readonly randomNs: readonly number[]
}

const NS_PER_MS = 1e6

export function probeFlood({ kind, keys, turns }: FloodRequest): FloodResult {
  const count = Math.min(keys, MOST_FLOOD_KEYS)
  const makeChosen = (): string[] => (kind === 'murmur' ? murmurFloodKeys(count) : integerKeys(count))
  const random = randomKeysLike(makeChosen())
  using chosenMap = filled(makeChosen())
  using randomMap = filled(random)
  const chosenNs: number[] = []
  const randomNs: number[] = []
  // The first turn is the warm-up.
  for (let turn = 0; turn <= turns; turn++) {
    const chosen = shuffledAlike(makeChosen().map(freshCopy), turn)
    const other = shuffledAlike(random.map(freshCopy), turn)
    globalThis.gc?.()
    const isOtherFirst = turn % 2 === 1
    const before = isOtherFirst ? lookUpNs(randomMap, other) : 0
    const chosenTurn = lookUpNs(chosenMap, chosen)
    const randomTurn = isOtherFirst ? before : lookUpNs(randomMap, other)
    if (turn > 0) {
      chosenNs.push(chosenTurn)
      randomNs.push(randomTurn)
    }
    reportProgress(turn / turns)
  }
  return { chosenNs, randomNs }
}

function filled(keys: readonly string[]): SharedMap {
  const map = new SharedMap({ capacity: '128MiB' })
  for (const key of keys) map.set(key, 'v')
  return map
}

/** A string without the hash that a first look-up may leave in its object. */
function freshCopy(key: string): string {
  return Buffer.from(key, 'latin1').toString('latin1')
}

/** An order that does not follow the order of insertion, the same for both tables. */
function shuffledAlike(keys: readonly string[], turn: number): string[] {
  const stride = 7919 + 2 * turn
  let step = stride
  while (keys.length % step === 0) step += 2
  return keys.map((_, index) => keys[(index * step) % keys.length] ?? '')
}

function lookUpNs(map: SharedMap, keys: readonly string[]): number {
  let found = 0
  const startMs = performance.now()
  for (const key of keys) if (map.get(key) !== undefined) found++
  const elapsedMs = performance.now() - startMs
  if (found !== keys.length) throw new Error(`found ${found} of ${keys.length} keys`)
  return (elapsedMs * NS_PER_MS) / keys.length
}
