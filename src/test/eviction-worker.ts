/** A thread of the eviction test: sets and reads a table that is too small for it, and says what it met. */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { SharedMap } from '../map/shared-map.js'
import type { EvictionRun } from './eviction.test.js'
import { SeededRandom } from './seeded-random.js'

const { table, thread, operations, keys, seed, mostBytes, mayBeFull, ttls } = workerData as EvictionRun

const map = SharedMap.attach<string, string>(table)
const random = new SeededRandom(seed)
const problems: string[] = []
for (let done = 0; done < operations && problems.length === 0; done++) {
  const key = `key ${random.below(keys)}`
  const bytes = random.oneIn(50) ? random.below(mostBytes) : random.below(300)
  try {
    if (mayBeFull && random.oneIn(3)) {
      map.delete(key)
    } else if (random.oneIn(4)) {
      map.set(
        key,
        `${key}|`.padEnd(bytes, 'v'),
        ttls && random.oneIn(3) ? { ttlMs: 1 + random.below(20) } : {},
      )
    } else {
      const found = map.get(key)
      if (found !== undefined && !found.startsWith(`${key}|`))
        problems.push(`${key} has ${found.slice(0, 20)}`)
    }
  } catch (error) {
    if (!(mayBeFull && isOperationError(error, 'FULL')))
      problems.push(`thread ${thread}, operation ${done}: ${String(error)}`)
  }
}
map.close()
parentPort?.postMessage(problems)
