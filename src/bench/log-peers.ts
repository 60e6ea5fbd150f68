/** What others store durably with on this machine: a redis-server with its append-only file, lmdb with its sync. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MIB } from '../base/limits.js'
import { RespClient } from '../client/resp-client.js'
import { NO_SINK } from '../log/snapshot-reader.js'
import { appendRecord, openBenchLog } from './log-files.js'
import type { DurableSubject } from './log-subject.js'
import { RedisServer } from './processes-redis.js'

/** A key of 16 bytes and a value of 100 with what a log has around them. */
const BARE_BLOCK_BYTES = 149
const BARE_FILE_BYTES = 16 * MIB

/** Sets over one pipelined connection. */
export function redisSubject(appendfsync: 'always' | 'everysec'): DurableSubject {
  return {
    name: `redis-server, appendfsync ${appendfsync}`,
    open: async (folder) => {
      const server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', appendfsync], folder)
      const client = await RespClient.connect('127.0.0.1', server.port)
      return {
        set: (key, value) => client.call('SET', key, value),
        close: async () => {
          await client.close()
          await server.stop()
        },
      }
    },
  }
}

/** `put`, which gathers what comes in one turn into a transaction, and resolves when that is on disk. */
export const lmdbSubject: DurableSubject = {
  name: 'lmdb, put with sync',
  open: async (folder) => {
    const { open } = await import('lmdb').catch(() => {
      throw new Error('lmdb is not installed')
    })
    const database = open<string, string>({
      path: join(folder, 'table.lmdb'),
      encoding: 'string',
      mapSize: 2 ** 32,
      // With overlapping sync `put` resolves before its data is on disk.
      overlappingSync: false,
    })
    return {
      set: (key, value) => database.put(key, value),
      close: () => database.close(),
    }
  },
}

/** The log with nothing around it: what is asked for in one turn of the event loop is one group. */
export const bareLogSubject: DurableSubject = {
  name: 'the log alone, always',
  open: async (folder) => {
    const { writer } = openBenchLog(join(folder, 'log'), NO_SINK)
    let count = 0
    let group: Promise<void> | undefined
    return {
      set: () => {
        appendRecord(writer, count++)
        group ??= new Promise<void>((resolve, reject) => {
          setImmediate(() => {
            group = undefined
            try {
              writer.sync()
              resolve()
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)))
            }
            writer.prepare()
          })
        })
        return group
      },
      close: async () => writer.close(),
    }
  },
}

/** What the disk itself takes: as many bytes as a record of the log, written over a file that is filled already, and synced. */
export const bareSyncSubject: DurableSubject = {
  name: 'bare write and fdatasync',
  mostInFlight: 1,
  open: async (folder) => {
    const file = openSync(join(folder, 'bare'), 'w')
    const block = Buffer.alloc(BARE_BLOCK_BYTES, 1)
    writeSync(file, Buffer.alloc(BARE_FILE_BYTES))
    fsyncSync(file)
    let at = 0
    return {
      set: async () => {
        writeSync(file, block, 0, block.length, at)
        at = (at + block.length) % (BARE_FILE_BYTES - block.length)
        fdatasyncSync(file)
      },
      close: async () => closeSync(file),
    }
  },
}
