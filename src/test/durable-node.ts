/** A node that logs its writes, in a form that tests of answers can do with: nothing waits for the disk. */
import assert from 'node:assert/strict'
import { Server } from '../server/server.js'

export interface DurableNode {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

export async function startDurableNode(
  dataDir: string,
  capacityBytes: number,
  socketWorkers: number,
): Promise<DurableNode> {
  const server = await Server.start({
    shm: false,
    capacity: capacityBytes,
    dataDir,
    durability: 'os',
    socketWorkers,
    resp: { port: 0 },
  })
  assert.ok(server.resp !== undefined)
  return { ...server.resp, stop: () => server.stop() }
}
