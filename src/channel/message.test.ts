import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { Message } from './message.js'

test('a message without memory grows for a payload of any length, to whole eight bytes', () => {
  for (let bytes = 1; bytes <= 40; bytes++) {
    const message = new Message(0)
    const value = Buffer.alloc(bytes, bytes)
    message.fill(Buffer.alloc(0), value)
    assert.deepEqual(message.copy().bytes.subarray(0, bytes), value)
    assert.equal(message.longs.byteLength, message.bytes.length)
    assert.equal(message.words.byteLength, message.bytes.length)
  }
})
