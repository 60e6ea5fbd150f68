/** Configuration: the number of lock stripes and of worker threads. Usage: node stripes.mjs [name] */
import { KVSClient, KVSServer } from 'hearthkv/kvs'

const name = process.argv[2] ?? 'my_striped_kvs'
const server = new KVSServer(name, { stripes: 16, capacity: '16MiB' }) // 16 lock stripes
await server.start(8) // 8 worker threads
console.log(await server.start(8)) // it runs already

const client = await KVSClient.connect(name)
for (let key = 0; key < 1000; key++) client.set(`key ${key}`, 'value')
console.log(server.storage_size())
await client.close()

await server.stop()
console.log(server.is_running())
