/**
 * Who calls, in the benchmark of the channel: the ways of Hearth's client, and two clients of Redis. Each stores values of
 * one key after the other, one at a time or many in flight; keys of 16 B, values of 100 B.
 */
import { Client } from '../client/client.js'

export const CALLERS = {
  blocking: 'Hearth, blocking',
  promise: 'Hearth, await',
  windowed: 'Hearth, windowed',
  ioredis: 'ioredis, await',
  'node-redis': 'node-redis, await',
} as const
export type CallerName = keyof typeof CALLERS
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[]

/** Where the server is: a name, or a port. */
export interface Address {
  readonly name?: string
  readonly port?: number
}

export interface Caller {
  /** Stores one value and waits for the answer. A promise where the caller has an event loop to run. */
  readonly set: (key: string, value: string) => unknown
  /** Stores these, all of them in flight together, and waits for all answers. */
  readonly setTogether: (keys: readonly string[], value: string) => unknown
  readonly close: () => Promise<void>
}

/** Connects. `inFlight` is the most that `setTogether` is given. */
export async function connectCaller(name: CallerName, at: Address, inFlight: number): Promise<Caller> {
  if (name === 'ioredis') return connectIoredis(at.port ?? 0)
  if (name === 'node-redis') return connectNodeRedis(at.port ?? 0)
  const client = await Client.connect(at.name ?? '', { window: Math.max(64, inFlight) })
  const close = (): Promise<void> => client.close()
  const promised = {
    set: (key: string, value: string) => client.set(key, value),
    setTogether: (keys: readonly string[], value: string) =>
      Promise.all(keys.map((key) => client.set(key, value))),
    close,
  }
  if (name === 'promise') return promised
  const set = (key: string, value: string): unknown => client.sync.set(key, value)
  return {
    set,
    setTogether: (keys, value) => {
      const ids = keys.map((key) => client.submit('set', key, value))
      for (const id of ids) client.sync.result(id)
    },
    close,
  }
}

async function connectIoredis(port: number): Promise<Caller> {
  const { Redis } = await import('ioredis')
  const redis = new Redis({ host: '127.0.0.1', port })
  return {
    set: (key, value) => redis.set(key, value),
    setTogether: (keys, value) => {
      const pipeline = redis.pipeline()
      for (const key of keys) pipeline.set(key, value)
      return pipeline.exec()
    },
    close: async () => redis.disconnect(),
  }
}

/** It sends what one turn of the event loop has asked for together. */
async function connectNodeRedis(port: number): Promise<Caller> {
  const { createClient } = await import('redis')
  const redis = createClient({ socket: { host: '127.0.0.1', port } })
  await redis.connect()
  return {
    set: (key, value) => redis.set(key, value),
    setTogether: (keys, value) => Promise.all(keys.map((key) => redis.set(key, value))),
    close: async () => redis.destroy(),
  }
}
