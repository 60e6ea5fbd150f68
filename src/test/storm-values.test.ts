import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from './seeded-random.js'
import { LARGEST_BODY, STORM_BYTES, STORM_TEXT, stormId, stormKey, stormSize } from './storm-values.js'

const accepted = (judge: () => number): boolean => {
  try {
    judge()
    return true
  } catch {
    return false
  }
}

describe('a value of the storm', () => {
  test('is accepted under its own key, with its sequence', () => {
    const random = new SeededRandom(1)
    for (let sequence = 1; sequence < 2000; sequence++) {
      const id = random.below(500)
      assert.equal(stormId(stormKey(id)), id)
      const text = STORM_TEXT.judge(id, STORM_TEXT.make(id, sequence, random))
      const bytes = STORM_BYTES.judge(id, STORM_BYTES.make(id, sequence, random))
      assert.ok((text === sequence || text === -1) && (bytes === sequence || bytes === -1))
    }
  })

  test('is rejected under another key', () => {
    const random = new SeededRandom(2)
    for (let sequence = 1; sequence < 2000; sequence++) {
      const text = STORM_TEXT.make(3, sequence, random)
      const bytes = STORM_BYTES.make(3, sequence, random)
      assert.ok(text === '' || !accepted(() => STORM_TEXT.judge(4, text)))
      assert.ok(bytes.length === 0 || !accepted(() => STORM_BYTES.judge(4, bytes)))
    }
  })

  test('is rejected when it is spliced from two of the same key', () => {
    const random = new SeededRandom(3)
    for (let sequence = 1; sequence < 1000; sequence++) {
      const [a, b] = [STORM_TEXT.make(3, sequence, random), STORM_TEXT.make(3, sequence + 1, random)]
      const at = random.below(Math.min(a.length, b.length) + 1)
      const text = a.slice(0, at) + b.slice(at)
      const whole = text === a || text === b || text.length < 12
      assert.equal(accepted(() => STORM_TEXT.judge(3, text)) && !whole, false)
      const [c, d] = [STORM_BYTES.make(3, sequence, random), STORM_BYTES.make(3, sequence + 1, random)]
      const cutAt = random.below(Math.min(c.length, d.length) + 1)
      const bytes = Buffer.concat([c.subarray(0, cutAt), d.subarray(cutAt)])
      const same = bytes.equals(c) || bytes.equals(d) || bytes.length < 12
      assert.equal(accepted(() => STORM_BYTES.judge(3, bytes)) && !same, false)
    }
  })

  test('is of all sizes, and some texts are not ASCII', () => {
    const random = new SeededRandom(4)
    const sizes = Array.from({ length: 20_000 }, () => stormSize(random))
    assert.ok(sizes.includes(0) && Math.max(...sizes) > LARGEST_BODY / 2)
    const texts = Array.from({ length: 300 }, () => STORM_TEXT.make(1, 1, random))
    assert.ok(texts.some((text) => Buffer.byteLength(text) > text.length))
    assert.ok(texts.every((text) => Buffer.from(text).toString() === text))
  })
})
