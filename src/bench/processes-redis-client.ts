/**
 * The program of a child process that times awaited GETs of one client of Redis, one after the other: what a program does
 * that asks a local server for each value it needs. Keys and values are those of the other contenders.
 */
import { childRequest, reportResult } from './child.js'
import { makeShare, type Workload } from './workload.js'

export type RedisClientName = 'ioredis' | 'node-redis'

export interface RedisRequest {
  readonly client: RedisClientName
  readonly port: number
  /** Its keys, at most so many reads of them. */
  readonly workload: Workload
}

export interface RedisResult {
  readonly nsPerGet: number
}

/** What both clients do by nearly the same names. */
interface AwaitedClient {
  get(key: string): Promise<string | null>
  size(): Promise<number>
  fill(pairs: string[]): Promise<unknown>
  quit(): void
}

const WARM_UPS = 3000
const KEYS_A_FILL = 1000

async function connect(client: RedisClientName, port: number): Promise<AwaitedClient> {
  if (client === 'ioredis') {
    const { Redis } = await import('ioredis')
    const redis = new Redis({ host: '127.0.0.1', port })
    return {
      get: (key) => redis.get(key),
      size: () => redis.dbsize(),
      fill: (pairs) => redis.mset(pairs),
      quit: () => redis.disconnect(),
    }
  }
  const { createClient } = await import('redis')
  const redis = createClient({ socket: { host: '127.0.0.1', port } })
  await redis.connect()
  return {
    get: (key) => redis.get(key),
    size: () => redis.dbSize(),
    fill: (pairs) => redis.mSet(pairs),
    quit: () => redis.destroy(),
  }
}

async function fill(redis: AwaitedClient, workload: Workload): Promise<void> {
  if ((await redis.size()) === workload.keys) return
  for (const { keys, values } of makeShare('set-new', workload, 0, 1).untimed) {
    for (let from = 0; from < keys.length; from += KEYS_A_FILL) {
      const part = keys.slice(from, from + KEYS_A_FILL)
      await redis.fill(part.flatMap((key, index) => [key, values[from + index] ?? '']))
    }
  }
}

async function readEach(redis: AwaitedClient, keys: readonly string[]): Promise<number> {
  let sum = 0
  for (const key of keys) {
    const value = await redis.get(key)
    if (value !== null) sum += value.charCodeAt(value.length - 1)
  }
  return sum
}

async function measure({ client, port, workload }: RedisRequest): Promise<RedisResult> {
  const redis = await connect(client, port)
  await fill(redis, workload)
  await readEach(redis, makeShare('get', { ...workload, mostOperations: WARM_UPS }, 0, 1).keys)
  const { keys, expectedSum } = makeShare('get', workload, 0, 1)
  globalThis.gc?.()
  const startNs = process.hrtime.bigint()
  const sum = await readEach(redis, keys)
  const nsPerGet = Number(process.hrtime.bigint() - startNs) / keys.length
  redis.quit()
  if (sum !== expectedSum) throw new Error(`${client} read ${sum} where ${expectedSum} was stored`)
  return { nsPerGet }
}

reportResult(await measure(childRequest() as RedisRequest))
