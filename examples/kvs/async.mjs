/** Client-side usage, asynchronous: begin operations, go on with other work, read the results. Usage: node async.mjs [name] */
import { codecs } from 'hearthkv'
import { KVS_STATUS, KVSClient } from 'hearthkv/kvs'

const client = await KVSClient.connect(process.argv[2] ?? 'my_kvs', {
  keys: codecs.int32,
  values: codecs.int32,
})

// Submit operations without waiting for results
const taskId1 = client.set_async(1, 100)
const taskId2 = client.set_async(2, 200)
const taskId3 = client.get_async(1)
const taskId4 = client.get_async(3)

// Continue with other work...

// A result is read in one of three ways: by a promise, blocking, or looking whether it is there.
const { status } = await client.result(taskId1)
console.log(`task ${taskId1}: ${status === KVS_STATUS.SUCCESS ? 'stored' : 'not stored'}`)
console.log(
  `task ${taskId2}: ${client.wait(taskId2).status === KVS_STATUS.SUCCESS ? 'stored' : 'not stored'}`,
)

let result = client.poll(taskId3)
while (result.status === KVS_STATUS.PENDING) result = client.poll(taskId3)
console.log(`task ${taskId3}: ${result.value}`)

const missing = client.wait(taskId4)
console.log(`task ${taskId4}: ${missing.status === KVS_STATUS.NOT_FOUND ? 'not found' : missing.value}`)

client.del(1)
client.del(2)
await client.close()
