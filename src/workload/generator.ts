/**
 * Makes workloads as the generator of original 001 does: so many requests, a part of them PUTs, in random order.
 *
 *   skew 0 to 1    uniform: every PUT has a key of its own
 *   skew above 1   Zipf with that exponent: few keys are put again and again
 *
 * A GET asks for the key of a PUT that is chosen evenly among all of the workload, also those that come later: so GETs
 * are spread over the keys as PUTs are, and some find nothing yet. Without any PUT, GETs ask for keys never put. Values
 * are never 0, which means missing.
 *
 * Pure: the same options make the same workload. Memory: 8 bytes a PUT.
 */
import { type SeededRandom, seededRandom } from '../base/random.js'
import { zipfSampler } from './zipf-sampler.js'

export interface WorkloadOptions {
  /** 0 to 1 000 000 000. */
  readonly requests: number
  /** 0 or more. */
  readonly skew: number
  /** PUTs by requests, 0 to 1. */
  readonly putRatio: number
  /** A whole number of 32 bits; another seed, another workload. */
  readonly seed: number
}

export interface WorkloadCounts {
  readonly puts: number
  readonly gets: number
}

/** Told of every request, in order; `value` of a GET is what it must return. */
export interface WorkloadSink {
  put(key: number, value: number): void
  get(key: number, value: number): void
}

export const MAX_REQUESTS = 1_000_000_000
const WORD = 2 ** 32

/** Throws RangeError for options that cannot be. */
export function generateWorkload(options: WorkloadOptions, sink: WorkloadSink): WorkloadCounts {
  checkWorkloadOptions(options)
  const { requests, skew, putRatio, seed } = options
  const puts = Math.round(requests * putRatio)
  const random = seededRandom(seed)
  const keyOf = scrambler(random)
  const putRanks = drawRanks(puts, skew, random)
  const values = new Uint32Array(puts)
  let putsLeft = puts
  for (let left = requests; left > 0; left--) {
    // Of the requests left so many are PUTs: taken so, each order is as likely as any other.
    if (random.next() * left < putsLeft) {
      const rank = putRanks[puts - putsLeft--]!
      const value = 1 + random.nextInt(WORD - 1)
      values[rank] = value
      sink.put(keyOf(rank), value)
    } else {
      const rank = puts === 0 ? random.nextInt(WORD) : putRanks[random.nextInt(puts)]!
      sink.get(keyOf(rank), values[rank] ?? 0)
    }
  }
  return { puts, gets: requests - puts }
}

/** Throws RangeError, as {@link generateWorkload} does. */
export function checkWorkloadOptions({ requests, skew, putRatio, seed }: WorkloadOptions): void {
  if (!Number.isInteger(requests) || requests < 0 || requests > MAX_REQUESTS)
    throw new RangeError(`requests must be a whole number of 0 to ${MAX_REQUESTS}, not ${requests}`)
  if (!(skew >= 0 && skew <= 100)) throw new RangeError(`skew must be a number of 0 to 100, not ${skew}`)
  if (!(putRatio >= 0 && putRatio <= 1))
    throw new RangeError(`the ratio of PUTs must be a number of 0 to 1, not ${putRatio}`)
  if (!Number.isInteger(seed) || seed < 0 || seed >= WORD)
    throw new RangeError(`the seed must be a whole number of 0 to ${WORD - 1}, not ${seed}`)
}

/** Which key each PUT has: ranks of 0 to `puts` - 1. */
function drawRanks(puts: number, skew: number, random: SeededRandom): Uint32Array {
  const ranks = new Uint32Array(puts)
  if (skew <= 1) for (let put = 0; put < puts; put++) ranks[put] = put
  else {
    const draw = zipfSampler(puts, skew, random)
    for (let put = 0; put < puts; put++) ranks[put] = draw() - 1
  }
  return ranks
}

/** Turns ranks into keys all over the 32 bits, no two into one: every step below can be undone. */
function scrambler(random: SeededRandom): (rank: number) => number {
  const salt = random.nextInt(WORD)
  return (rank) => {
    let mixed = rank ^ salt
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
}
