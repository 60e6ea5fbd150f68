/** String keys and values: the default. Usage: node string-types.mjs [name] */
import { KVSClient } from 'hearthkv/kvs'

const client = await KVSClient.connect(process.argv[2] ?? 'my_kvs')
client.set('greeting', 'Grüße, 世界')
console.log(client.get('greeting'))
client.set('long', 'x'.repeat(1_000_000))
console.log(client.get('long')?.length)
for (const key of ['greeting', 'long']) client.del(key)
await client.close()
