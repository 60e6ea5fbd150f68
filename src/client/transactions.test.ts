import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_MESSAGE_VALUE_BYTES } from '../base/limits.js'
import { Message } from '../channel/message.js'
import { codecs } from '../codec/codecs.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import { Requests } from './requests.js'
import { fill } from './transactions.js'

test('a transaction of more than one message takes is refused before it is sent', () => {
  const requests = new Requests(codecs.string, codecs.string, new Message())
  let moved = 0
  const fieldsOf = (byteLength: number) => ({ byteLength, moveTo: () => void moved++ })
  fill(requests, OPERATIONS.writeTogether, fieldsOf(MAX_MESSAGE_VALUE_BYTES))
  assert.throws(
    () => fill(requests, OPERATIONS.writeTogether, fieldsOf(MAX_MESSAGE_VALUE_BYTES + 1)),
    RangeError,
  )
  assert.equal(moved, 1)
})
