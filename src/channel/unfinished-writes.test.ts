import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { EFFECT, UnfinishedWrites } from './unfinished-writes.js'

/** A key as it lies in a message: from word 0, with leftovers behind it. */
function keyOf(text: string, leftovers = 0): { words: Int32Array; bytes: number } {
  const bytes = Buffer.alloc(64, leftovers)
  const length = bytes.write(text)
  return { words: new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 64)), bytes: length }
}

test('a key with a write on its way is not read directly, others are', () => {
  const writes = new UnfinishedWrites()
  const one = keyOf('one')
  const counter = writes.begin(EFFECT.KEY, one.words, one.bytes)
  const again = keyOf('one', 0xff)
  assert.equal(writes.mayReadDirectly(again.words, again.bytes), false, 'whatever lies behind the key')
  let direct = 0
  for (let i = 0; i < 1000; i++) {
    const { words, bytes } = keyOf(`other ${i}`)
    if (writes.mayReadDirectly(words, bytes)) direct++
  }
  assert.ok(direct > 990, 'few keys share a counter')
  writes.end(counter)
  assert.equal(writes.mayReadDirectly(one.words, one.bytes), true)
})

test('several writes of one key count one by one', () => {
  const writes = new UnfinishedWrites()
  const { words, bytes } = keyOf('key')
  const counters = [1, 2, 3].map(() => writes.begin(EFFECT.KEY, words, bytes))
  for (const counter of counters) {
    assert.equal(writes.mayReadDirectly(words, bytes), false)
    writes.end(counter)
  }
  assert.equal(writes.mayReadDirectly(words, bytes), true)
})

test('a write that names no single key holds up all reads; one without effect none', () => {
  const writes = new UnfinishedWrites()
  const { words, bytes } = keyOf('key')
  const wide = writes.begin(EFFECT.ALL, words, 0)
  assert.equal(writes.mayReadDirectly(words, bytes), false)
  writes.end(wide)
  writes.end(writes.begin(EFFECT.NONE, words, bytes))
  assert.equal(writes.mayReadDirectly(words, bytes), true)
  assert.equal(writes.count, 0)
})
