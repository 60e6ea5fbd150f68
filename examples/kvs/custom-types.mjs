/** Custom types: any key and value that a codec can carry. Usage: node custom-types.mjs [name] */
import { codecs } from 'hearthkv'
import { KVSClient } from 'hearthkv/kvs'

// struct Data { int id; double value; };
const Data = codecs.struct({ id: 'int32', value: 'float64' })
const numbers = await KVSClient.connect(process.argv[2] ?? 'my_kvs', { keys: codecs.int32, values: Data })
numbers.set(7, { id: 7, value: 0.5 })
console.log(numbers.get(7))
numbers.del(7)
await numbers.close()

// A codec of one's own: a name and two functions.
/** @type {import('hearthkv').Codec<Date>} */
const date = {
  name: 'date',
  encode: (value) => new TextEncoder().encode(value.toISOString()),
  decode: (bytes) => new Date(new TextDecoder().decode(bytes)),
}
const dates = await KVSClient.connect(process.argv[2] ?? 'my_kvs', { keys: codecs.json(), values: date })
dates.set({ user: 'ada', event: 'login' }, new Date(0))
console.log(dates.get({ user: 'ada', event: 'login' })?.toISOString())
dates.del({ user: 'ada', event: 'login' })
await dates.close()
