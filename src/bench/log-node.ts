/** The node of log-fronts.ts, in a process of its own: name, level and folder in the arguments, its port as the only line. */
import { join } from 'node:path'
import { Server } from '../server/server.js'
import type { Durability } from '../server/server-options.js'

/** Room for what some seconds of sets of 116 bytes come to. */
const CAPACITY = '1GiB'

const [, , name = '', level = 'off', folder = ''] = process.argv
const server = await Server.start({
  name,
  durability: level as Durability,
  ...(level === 'off' ? {} : { dataDir: join(folder, 'data') }),
  capacity: CAPACITY,
  resp: { port: 0 },
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.resp?.port}\n`)
await server.stopped
