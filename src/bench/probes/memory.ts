/**
 * Memory of a table: bytes in use (pages, bucket lines included) by live bytes (keys and values, nothing else), full
 * and again after many replacements whose sizes are drawn as the first ones were. What grows between the two is
 * what the allocator can't give back.
 */
import { seededRandom } from '../../base/random.js'
import { SharedMap } from '../../index.js'
import { reportProgress } from '../child.js'
import { keyMaker } from '../workload.js'

export interface MemoryRequest {
  readonly keys: number
  /** Characters of a value: evenly drawn from `least` to `most`. */
  readonly least: number
  readonly most: number
  readonly replacements: number
  readonly seed: number
}

export interface MemoryResult {
  readonly full: MemoryUse
  /** After the replacements. */
  readonly after: MemoryUse
}

export interface MemoryUse {
  readonly usedBytes: number
  readonly liveBytes: number
}

const KEY_BYTES = 16
const REPORT_EVERY = 250_000

export function probeMemory(request: MemoryRequest): MemoryResult {
  const { keys, least, most, replacements, seed } = request
  const random = seededRandom(seed)
  const values = Array.from({ length: most + 1 }, (_, length) => Buffer.alloc(length, 'v').toString('latin1'))
  const lengths = new Uint32Array(keys)
  const makeKey = keyMaker()
  using map = new SharedMap({ capacity: Math.max(2 ** 24, keys * (KEY_BYTES + most) * 3) })
  let liveBytes = keys * KEY_BYTES

  const setOne = (index: number): void => {
    const length = least + random.nextInt(most - least + 1)
    liveBytes += length - (lengths[index] ?? 0)
    lengths[index] = length
    map.set(makeKey(index), values[length] ?? '')
  }
  const use = (): MemoryUse => ({ usedBytes: map.stats().usedBytes, liveBytes })

  for (let index = 0; index < keys; index++) setOne(index)
  const full = use()
  for (let done = 0; done < replacements; done++) {
    setOne(random.nextInt(keys))
    if (done % REPORT_EVERY === 0) reportProgress((keys + done) / (keys + replacements))
  }
  map.check()
  return { full, after: use() }
}
