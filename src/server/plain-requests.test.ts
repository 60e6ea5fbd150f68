import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Message } from '../channel/message.js'
import { STATUS } from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import { DirectStore } from '../store/direct-store.js'
import { PlainRequests } from './plain-requests.js'

const { get: GET, set: SET } = OPERATIONS

function requestOf(code: number, key: string, value = ''): Message {
  const request = new Message()
  request.clear(code)
  request.fill(Buffer.from(key), Buffer.from(value))
  return request
}

test('what a plain set has stored is there for everybody, and its stripe free, before it is finished', () => {
  const store = DirectStore.create({ capacityBytes: 2 ** 20, stripeBits: 0 })
  const other = DirectStore.attach(store.share())
  const plain = new PlainRequests(store)
  const reply = new Message()
  const before = store.stats()
  for (const value of ['the first', 'another']) {
    assert.ok(plain.run(requestOf(SET.code, 'key', value), reply))
    assert.equal(reply.code, STATUS.YES)
    assert.equal(other.get(Buffer.from('key'))?.toString(), value)
    assert.ok(other.set(Buffer.from('another key'), Buffer.from(value), 'none', 'always'))
    plain.finish()
  }
  other.check()
  for (const key of ['key', 'another key']) assert.ok(store.delete(Buffer.from(key)))
  store.check()
  assert.equal(store.stats().entries, before.entries)
  other.close()
  store.close()
})

test('finishing again, or what needs no finish, does nothing', () => {
  const store = DirectStore.create({ capacityBytes: 2 ** 20 })
  const plain = new PlainRequests(store)
  const reply = new Message()
  plain.finish()
  plain.run(requestOf(SET.code, 'key', 'value'), reply)
  plain.finish()
  plain.finish()
  plain.run(requestOf(GET.code, 'key'), reply)
  plain.finish()
  assert.equal(Buffer.from(reply.bytes.subarray(0, reply.valueBytes)).toString(), 'value')
  store.check()
  store.close()
})
