/**
 * The contenders of the table benchmark, by name. Each is imported only when it is asked for: lmdb and sharedmap are
 * development dependencies that an installed package does not have.
 */
import type { Contender } from './contender.js'

/** The contenders with the note that goes below the table of results. */
export const CONTENDERS = {
  hearth: {
    label: 'Hearth SharedMap',
    note: 'strings in shared memory; every thread attached by map.share()',
  },
  'hearth-cached': {
    label: 'Hearth, decoded cache',
    note: 'SharedMap with decodedCache of 64 MiB',
  },
  map: {
    label: 'JS Map',
    note: 'of one thread only: nothing is copied, a get returns the very string object that was set',
  },
  lmdb: {
    label: 'lmdb',
    note: 'file in the temporary folder, noSync, noMemInit, encoding string, no cache, no compression; putSync is a transaction each; timed with a tenth of the reads and one in 200 writes, on the full tree',
  },
  sharedmap: {
    label: 'sharedmap (npm)',
    note: 'fixed number of entries, fixed key and value length (two bytes a character), no growth; delete takes an exclusive lock; timed with a quarter of the keys, after an untimed load of the rest',
  },
  cpp: {
    label: 'C++ unordered_map x64',
    note: 'bench/striped-map.cpp: std::unordered_map<std::string, std::string> in 64 shards with a mutex each, g++ -O2',
  },
} as const

export type ContenderName = keyof typeof CONTENDERS

export const CONTENDER_NAMES = Object.keys(CONTENDERS) as readonly ContenderName[]

/** Those of a comparison over a large table; a decoded-value cache is for few hot keys. */
export const COMPARED_NAMES = CONTENDER_NAMES.filter((name) => name !== 'hearth-cached')

/** Imports a contender; throws the import's own error when its package is not installed. */
export async function loadContender(name: Exclude<ContenderName, 'cpp'>): Promise<Contender> {
  switch (name) {
    case 'hearth':
      return (await import('./contenders/hearth.js')).hearth
    case 'hearth-cached':
      return (await import('./contenders/hearth-cached.js')).hearthCached
    case 'map':
      return (await import('./contenders/js-map.js')).jsMap
    case 'lmdb':
      return (await import('./contenders/lmdb.js')).lmdb
    case 'sharedmap':
      return (await import('./contenders/sharedmap.js')).sharedmap
  }
}
