/**
 * Nodes for tests of what comes over sockets: a `Server` without a name, on ports that the system chooses. Plain, or one that
 * logs its writes in a form that tests of answers can do with: nothing waits for the disk.
 */
import assert from 'node:assert/strict'
import { Server } from '../server/server.js'
import type { ServerOptions } from '../server/server-options.js'

export interface UnnamedNode {
  readonly host: string
  readonly port: number
  /** Of the line protocol, if it is served. */
  readonly textPort: number | undefined
  readonly stopped: Promise<void>
  stop(): Promise<void>
}

const CAPACITY_BYTES = 16 * 2 ** 20

/** Two socket workers and 16 MiB, unless `options` say otherwise. */
export async function startPlainNode(options: ServerOptions = {}): Promise<UnnamedNode> {
  const defaults = { shm: false, capacity: CAPACITY_BYTES, socketWorkers: 2, resp: { port: 0 } }
  const server = await Server.start({ ...defaults, ...options })
  assert.ok(server.resp !== undefined)
  const { textPort, stopped } = server
  return { ...server.resp, textPort, stopped, stop: () => server.stop() }
}

export function startDurableNode(
  dataDir: string,
  capacity: number,
  socketWorkers: number,
): Promise<UnnamedNode> {
  return startPlainNode({ dataDir, durability: 'os', capacity, socketWorkers })
}
