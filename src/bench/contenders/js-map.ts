/**
 * `Map` as a contender: the measure of one thread. Its threads cannot share it, so there is only one.
 * Its memory is the growth of this thread's heap by a fill whose keys and values nobody else holds any more.
 */
import type { Contender } from '../contender.js'

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

export const jsMap: Contender = {
  timedReads: 1,
  timedWrites: 1,
  open() {
    const emptyBytes = heapBytes()
    const table = new Map<string, string>()
    return {
      table,
      handle: undefined,
      memoryBytes: () => heapBytes() - emptyBytes,
      close: () => table.clear(),
    }
  },
  attach() {
    throw new TypeError('a Map belongs to one thread')
  },
}
