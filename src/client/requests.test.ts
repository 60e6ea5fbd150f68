import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Message } from '../channel/message.js'
import { codecs } from '../codec/codecs.js'
import { FieldReader } from '../commands/operations/fields.js'
import { valueIn } from '../commands/operations/operation.js'
import { Requests } from './requests.js'

test('an argument that cannot be sent leaves nothing of its command in the requests after it', () => {
  const message = new Message()
  const requests = new Requests(codecs.string, codecs.string, message)
  const listed = () => new FieldReader(valueIn(message)).rest().map(String)
  const fail = (): void => {
    assert.throws(() => requests.command(['SET', 'k', '\ud800']), TypeError)
    for (const arg of [undefined, null, true, {}, ['v']])
      assert.throws(() => requests.command(['SET', 'k', arg as never]), TypeError)
  }
  fail()
  requests.command(['GET', Buffer.from('k')])
  assert.deepEqual(listed(), ['GET', 'k'])
  fail()
  requests.valuesOf([Buffer.from('a'), Buffer.from('b')])
  assert.deepEqual(listed(), ['a', 'b'])
  fail()
  requests.setAll([Buffer.from('a'), Buffer.from('1')], undefined)
  assert.deepEqual(listed(), ['a', '1'])
})
