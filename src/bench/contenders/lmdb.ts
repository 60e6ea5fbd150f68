/**
 * lmdb-js as a contender: the memory-mapped B+tree that Node programs use today to share a table between threads
 * and processes. Its fastest settings that still share: no sync, no zeroing, strings stored as they are.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, open } from 'lmdb'
import type { BenchTable, Contender } from '../contender.js'

function openDatabase(path: string, mapBytes: number): Database<string, string> {
  return open<string, string>({
    path,
    mapSize: mapBytes,
    encoding: 'string',
    noSync: true,
    noMemInit: true,
    overlappingSync: false,
    cache: false,
    compression: false,
  })
}

function tableOf(database: Database<string, string>): BenchTable {
  return {
    get: (key) => database.get(key),
    set: (key, value) => database.putSync(key, value),
    delete: (key) => database.removeSync(key),
    // One transaction: each one more leaves pages to a free list that the later, timed ones would carry along.
    load: (pieces) => {
      database.transactionSync(() => {
        for (const { keys, values } of pieces) {
          for (let at = 0; at < keys.length; at++) database.putSync(keys[at] ?? '', values[at] ?? '')
        }
      })
    },
  }
}

export const lmdb: Contender = {
  timedReads: 0.1,
  timedWrites: 0.005,
  open({ keys, valueBytes }) {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-'))
    const handle = { path: join(folder, 'table.lmdb'), mapBytes: keys * (valueBytes + 64) * 4 + 2 ** 26 }
    const database = openDatabase(handle.path, handle.mapBytes)
    return {
      table: tableOf(database),
      handle,
      memoryBytes: () => statSync(handle.path).size,
      close: () => {
        void database.close()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
  attach: (handle) => {
    const { path, mapBytes } = handle as { path: string; mapBytes: number }
    return tableOf(openDatabase(path, mapBytes))
  },
}
