/** Client-side usage, synchronous: each call returns its answer. Usage: node sync.mjs [name] */
import { codecs } from 'hearthkv'
import { KVSClient } from 'hearthkv/kvs'

const client = await KVSClient.connect(process.argv[2] ?? 'my_kvs', {
  keys: codecs.int32,
  values: codecs.int32,
})

// SET operation
if (client.set(42, 100)) console.log('SET successful')

// GET operation
const value = client.get(42)
if (value !== undefined) console.log(`GET returned: ${value}`)

// POST operation (insert only)
console.log(client.post(43, 200) ? 'POST successful' : 'POST failed - key exists')
console.log(client.post(43, 300) ? 'POST successful' : 'POST failed - key exists')

// DELETE operation
if (client.del(42)) console.log('DELETE successful')
console.log(`GET after DELETE: ${client.get(42)}`)

client.del(43)
await client.close()
