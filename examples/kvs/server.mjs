/** Server-side usage: a table served by four worker threads, until Ctrl-C. Usage: node server.mjs [name] */
import { KVSServer } from 'hearthkv/kvs'

const server = new KVSServer(process.argv[2] ?? 'my_kvs')
await server.start(4) // four worker threads
console.log(`running: ${server.is_running()}`)

process.once('SIGINT', stop).once('SIGTERM', stop)

async function stop() {
  console.log(`stored: ${server.storage_size()}`)
  await server.stop()
  console.log(`running: ${server.is_running()}`)
}
