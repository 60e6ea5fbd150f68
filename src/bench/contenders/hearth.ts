/**
 * Hearth's own SharedMap as a contender: default options but the capacity, strings both ways, no decoded-value
 * cache, growth from the initial size as the other maps grow.
 */
import { SharedMap, type SharedMapHandle } from '../../index.js'
import type { Contender } from '../contender.js'

/** Room for twice the live bytes and growth: what is measured is speed, not how full a table can be. */
function capacityBytes(keys: number, valueBytes: number): number {
  return Math.max(2 ** 24, keys * (valueBytes + 16) * 3)
}

export const hearth: Contender = {
  timedReads: 1,
  timedWrites: 1,
  open({ keys, valueBytes }) {
    const table = new SharedMap<string, string>({ capacity: capacityBytes(keys, valueBytes) })
    return {
      table,
      handle: table.share(),
      memoryBytes: () => table.stats().usedBytes,
      close: () => table.close(),
    }
  },
  attach: (handle) => SharedMap.attach<string, string>(handle as SharedMapHandle),
}
