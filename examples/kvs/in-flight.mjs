/**
 * Many operations at a time: 1024 are in flight, and one more waits for a place by itself. Results wait until they are read,
 * in whatever order. Usage: node in-flight.mjs [name]
 */
import { codecs } from 'hearthkv'
import { KVS_STATUS, KVSClient } from 'hearthkv/kvs'

const KEYS = 10_000
const client = await KVSClient.connect(process.argv[2] ?? 'my_kvs', {
  keys: codecs.uint32,
  values: codecs.uint32,
})

const sets = Array.from({ length: KEYS }, (_, key) => client.set_async(key, key * 2))
const gets = Array.from({ length: KEYS }, (_, key) => client.get_async(key))
const stored = sets.filter((task) => client.wait(task).status === KVS_STATUS.SUCCESS).length
const right = gets.filter((task, key) => client.wait(task).value === key * 2).length
console.log(`${stored} stored, ${right} read back`)

// The last ones first.
const deletes = Array.from({ length: KEYS }, (_, key) => client.del_async(key)).reverse()
const deleted = deletes.filter((task) => client.wait(task).status === KVS_STATUS.SUCCESS).length
console.log(`${deleted} deleted`)
await client.close()
