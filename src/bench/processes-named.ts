/**
 * Hearth's named table as a contender: what every process of a machine opens by its name. Strings both ways, default
 * options but the capacity, as the map of threads beside it.
 */
import { SharedMap } from '../index.js'
import type { Contender } from './contender.js'

/** Room for twice the live bytes and growth, as the map of threads has. */
export function namedCapacityBytes(keys: number, valueBytes: number): number {
  return Math.max(2 ** 24, keys * (valueBytes + 16) * 3)
}

export const named: Contender = {
  timedReads: 1,
  timedWrites: 1,
  open({ keys, valueBytes }) {
    const name = `bench ${process.pid}`
    SharedMap.unlink(name)
    const capacity = namedCapacityBytes(keys, valueBytes)
    const table = SharedMap.open<string, string>(name, { mode: 'create', capacity })
    return {
      table,
      handle: name,
      memoryBytes: () => table.stats().usedBytes,
      close: () => {
        table.close()
        SharedMap.unlink(name)
      },
    }
  },
  attach: (handle) => SharedMap.open<string, string>(String(handle), { mode: 'open' }),
}
