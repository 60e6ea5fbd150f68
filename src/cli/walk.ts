/** Walks over all keys of a node with SCAN, a page at a time. */
import type { RespClient } from '../client/resp-client.js'
import { CouldNotError } from './exit.js'

const PAGE_KEYS = 500

export async function* walkKeys(client: RespClient, pattern: string | undefined): AsyncGenerator<Buffer[]> {
  const match = pattern === undefined ? [] : ['MATCH', pattern]
  let cursor = '0'
  do {
    const reply = await client.call('SCAN', cursor, 'COUNT', PAGE_KEYS, ...match)
    const [next, keys] = Array.isArray(reply) ? (reply as readonly unknown[]) : []
    if (!Buffer.isBuffer(next) || !Array.isArray(keys))
      throw new CouldNotError('SCAN was answered with nonsense')
    cursor = next.toString('latin1')
    yield keys.filter((key) => Buffer.isBuffer(key))
  } while (cursor !== '0')
}
