import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Codec, SharedMap } from '../index.js'
import type { ScheduledMap } from './schedule-program.js'
import { ModelledMap, OPERATIONS } from './thrown-out.js'

const KEYS = 12
const CALLS = ['encode a key', 'decode a key', 'encode a value', 'decode a value'] as const
type Call = (typeof CALLS)[number]

class CodecError extends Error {}

/** What the codecs do beside their work, at each call. */
let trouble: (call: Call) => void = () => {}

const keys: Codec<string> = {
  name: 'troubled keys',
  encode(key) {
    trouble('encode a key')
    return Buffer.from(key)
  },
  decode(bytes) {
    const key = Buffer.from(bytes).toString()
    trouble('decode a key')
    return key
  },
}

const values: Codec<unknown> = {
  name: 'troubled values',
  encode(value) {
    trouble('encode a value')
    return Buffer.from(String(value))
  },
  decode(bytes) {
    const value = Number(Buffer.from(bytes).toString())
    trouble('decode a value')
    return value
  },
}

describe('a codec that misbehaves leaves a whole map', () => {
  let map: ScheduledMap
  let modelled: ModelledMap
  let number = 0
  const set = OPERATIONS.find(({ name }) => name === 'set')
  assert.ok(set !== undefined)

  const fill = (): void => {
    for (let at = 0; at < KEYS; at += 2) modelled.perform(set, `key ${at}`, ++number)
  }
  beforeEach(() => {
    map = new SharedMap<string, unknown>({ capacity: '256KiB', stripes: 1, keys, values, lockTimeoutMs: 500 })
    modelled = new ModelledMap(map, 'numbers')
    fill()
  })
  afterEach(() => {
    trouble = () => {}
    map.close()
  })

  for (const operation of OPERATIONS) {
    test(`${operation.name}, with codecs that throw at any of their calls`, () => {
      for (const thrower of CALLS) {
        for (let nth = 1; nth <= 4; nth++) {
          for (const key of ['key 0', 'key 1']) {
            let calls = 0
            trouble = (call) => {
              if (call === thrower && ++calls === nth) throw new CodecError(call)
            }
            try {
              modelled.perform(operation, key, ++number)
            } catch (error) {
              assert.ok(error instanceof CodecError, String(error))
            }
            trouble = () => {}
            modelled.reconcile()
            modelled.verify()
            fill()
          }
        }
      }
    })

    test(`${operation.name}, with codecs that use the map in all of their calls`, () => {
      let inside = false
      trouble = () => {
        if (inside) return
        inside = true
        map.set('inner', ++number)
        assert.equal(map.get('inner'), number)
        assert.ok([...map.keys()].includes('inner'))
        assert.equal(map.delete('inner'), true)
        assert.equal(map.get('key 99'), undefined)
        inside = false
      }
      for (let at = 0; at < KEYS; at++) modelled.perform(operation, `key ${at}`, ++number)
      trouble = () => {}
      modelled.verify()
    })

    test(`${operation.name}, with codecs that change the very entry`, () => {
      for (const change of ['set', 'delete'] as const) {
        for (let nth = 1; nth <= 4; nth++) {
          map.clear()
          map.set('key', 1)
          let calls = 0
          trouble = () => {
            if (++calls !== nth) return
            if (change === 'set') map.set('key', 2)
            else map.delete('key')
          }
          try {
            operation.run(map, 'key', 3)
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'ABORTED', String(error))
          }
          trouble = () => {}
          map.check()
          assert.ok([undefined, 1, 2, 3].includes(map.get('key') as number | undefined))
        }
      }
    })
  }

  test('what an operation returns is not touched by what its codecs do meanwhile', () => {
    let inside = false
    trouble = () => {
      if (inside) return
      inside = true
      map.set('another key, of another length', 123_456)
      map.get('another key, of another length')
      map.delete('another key, of another length')
      inside = false
    }
    map.set('key', 5)
    assert.equal(map.get('key'), 5)
    assert.equal(map.getEntry('key')?.value, 5)
    assert.deepEqual(map.getMany(['key', 'no key', 'key']), [5, undefined, 5])
    assert.equal(map.exchange('key', 6), 5)
    assert.equal(map.compareAndSet('key', 6, 7), true)
    assert.equal(map.getOrInsert('key', 8), 7)
    assert.equal(
      map.compute('key', (old) => Number(old) + 1),
      8,
    )
    assert.equal(map.take('key'), 8)
    assert.equal(map.insert('key', 9), true)
    assert.ok([...map].some(([key, value]) => key === 'key' && value === 9))
  })
})
