/**
 * Time limits: 5000 ms, unless a call says otherwise. A call that fails says why, by a code: a time limit is no missing key.
 * Usage: node timeouts.mjs [name]
 */
import { isOperationError } from 'hearthkv'
import { KVSClient } from 'hearthkv/kvs'

const client = await KVSClient.connect(process.argv[2] ?? 'my_kvs')

client.set('key', 'value', 10_000) // ten seconds
console.log(client.get('key', 10_000))
console.log(client.get('missing', 10_000))

const task = client.get_async('key')
console.log(client.wait(task, 10_000).value)
client.del('key', 10_000)

// Without a server nothing is waited for.
await client.close()
try {
  await KVSClient.connect('nobody_serves_this')
} catch (error) {
  console.log(isOperationError(error) ? error.code : error)
}
