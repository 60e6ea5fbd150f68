/**
 * SharedMap with its decoded-value cache as a contender, for few hot keys. It refuses to be measured where the
 * option changes nothing, which an object that is another one at each read gives away.
 */
import { type AttachOptions, codecs, SharedMap, type SharedMapHandle } from '../../index.js'
import type { Contender } from '../contender.js'

export const DECODED_CACHE: Pick<AttachOptions<never, never>, 'lockTimeoutMs'> & {
  readonly decodedCache: number
} = { decodedCache: 64 * 1024 * 1024 }

/** Throws where this version of SharedMap has no decoded-value cache. */
export function requireDecodedCache(): void {
  using map = new SharedMap({ capacity: '1MiB', values: codecs.json<{ a: number }>(), ...DECODED_CACHE })
  map.set('key', { a: 1 })
  const first = map.get('key')
  if (map.get('key') !== first) throw new Error('SharedMap has no decodedCache in this version')
}

export const hearthCached: Contender = {
  timedReads: 1,
  timedWrites: 1,
  open({ keys, valueBytes }) {
    requireDecodedCache()
    const capacity = Math.max(2 ** 24, keys * (valueBytes + 16) * 3)
    const table = new SharedMap<string, string>({ capacity, ...DECODED_CACHE })
    return { table, handle: table.share(), memoryBytes: () => undefined, close: () => table.close() }
  },
  attach: (handle) => SharedMap.attach<string, string>(handle as SharedMapHandle, DECODED_CACHE),
}
