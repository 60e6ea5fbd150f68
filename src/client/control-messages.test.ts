import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ControlMessage, ControlReader, controlLine, MAX_LINE_BYTES } from './control-messages.js'

const MAPPED = { kind: 'mapped' } as const
const LONG = { kind: 'publish', id: 1, name: 'bmV3cw==', message: 'x'.repeat(2 * MAX_LINE_BYTES) } as const

test('a long line may come in one piece with the message that allows it', () => {
  const bytes = Buffer.from(controlLine(MAPPED) + controlLine(LONG))
  for (const cut of [bytes.length, bytes.length - 1, controlLine(MAPPED).length + 1, 3]) {
    const reader = new ControlReader()
    const messages: ControlMessage[] = []
    for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)])
      for (const message of reader.read(chunk)) {
        if (message.kind === 'mapped') reader.allow(bytes.length)
        messages.push(message)
      }
    assert.deepEqual(messages, [MAPPED, LONG])
  }
})

test('a line that nothing allows is refused, whole or begun', () => {
  const line = Buffer.from(controlLine(LONG))
  assert.throws(() => [...new ControlReader().read(line)], RangeError)
  assert.throws(() => [...new ControlReader().read(line.subarray(0, MAX_LINE_BYTES + 1))], RangeError)
})
