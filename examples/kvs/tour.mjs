import { codecs } from 'hearthkv'
import { KVS_STATUS, KVSClient, KVSServer } from 'hearthkv/kvs'

const server = new KVSServer('my_kvs', { stripes: 16 })
await server.start(4) // true; worker threads
// here, or in another thread or process:
const client = await KVSClient.connect('my_kvs', { keys: codecs.int32, values: codecs.int32 })
client.set(42, 100) // true
console.log(client.get(42)) // 100; undefined if there is none
console.log(client.post(42, 200, 10_000)) // false: the key exists; ten seconds at most
const task = client.get_async(42)
const { status, value } = client.wait(task) // and operation: 1
if (status === KVS_STATUS.SUCCESS) console.log(value) // 100
await client.close()
await server.stop()
