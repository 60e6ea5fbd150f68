import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { TransferSpace } from './transfer-space.js'

const BYTES = 1024

test('areas lie within the space, apart from each other, and all of it comes back', () => {
  const acts = fc.array(
    fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: BYTES }) }),
      fc.record({ giveBack: fc.nat({ max: 20 }) }),
    ),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(acts, (list) => {
      const space = new TransferSpace(BYTES)
      const out: { at: number; bytes: number }[] = []
      for (const act of list) {
        if ('take' in act) {
          const at = space.take(act.take)
          if (at < 0) continue
          const area = { at, bytes: act.take }
          assert.ok(at % 64 === 0 && at + act.take <= BYTES, 'within')
          for (const other of out)
            assert.ok(at + act.take <= other.at || other.at + other.bytes <= at, 'apart')
          out.push(area)
        } else if (out.length > 0) {
          const [area] = out.splice(act.giveBack % out.length, 1)
          space.giveBack(area!.at)
        }
        assert.equal(space.taken, out.length)
      }
      for (const { at } of out) space.giveBack(at)
      assert.equal(space.take(BYTES), 0, 'all of it is there again')
    }),
  )
})

test('there is no room beyond the space', () => {
  const space = new TransferSpace(BYTES)
  assert.equal(space.take(BYTES + 1), -1)
  const first = space.take(512)
  const second = space.take(512)
  assert.equal(space.take(1), -1)
  space.giveBack(second)
  assert.equal(space.take(1), -1, 'a ring: what came first must be back first')
  space.giveBack(first)
  assert.equal(space.take(1), 0)
})
