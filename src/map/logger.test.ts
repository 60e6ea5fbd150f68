import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { codecs } from '../codec/codecs.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { SharedMap } from './shared-map.js'
import { TableWatch } from './table-watch.js'

if (NO_NAMED_TABLES === false) useScratchDirectory()

/** A logger that keeps what it was told. */
function listener(): { told: string[]; info(message: string): void; warn(message: string): void } {
  const told: string[] = []
  const tell = (message: string): void => void told.push(message)
  return { told, info: tell, warn: tell }
}

test('repairs are told once each, and that the table was given up is the last thing told', () => {
  const state = { title: 'the map', made: 0, isOver: false }
  const { told, ...logger } = listener()
  const watch = new TableWatch(
    { title: state.title, repairs: () => state.made, isGivenUp: () => state.isOver },
    logger,
  )
  watch.look()
  assert.deepEqual(told, [])
  state.made = 1
  watch.look()
  watch.look()
  state.made = 3
  watch.look()
  assert.deepEqual(told.splice(0), [
    'the map: repaired what was left half done by one that died',
    'the map: repaired what was left half done by 2 that died',
  ])
  state.isOver = true
  watch.look()
  watch.end()
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /^the map was given up: /)
})

test('a map takes a logger, and tells it nothing where nothing happens', () => {
  const logger = listener()
  const map = new SharedMap({ capacity: '64KiB', logger })
  const other = SharedMap.attach(map.share(), { logger })
  map.set('a', '1')
  assert.equal(other.get('a'), '1')
  other.close()
  map.close()
  assert.deepEqual(logger.told, [])
})

describe('named tables', { skip: NO_NAMED_TABLES }, () => {
  it('tell who has replaced one, and its users that it was given up', () => {
    const name = 'logger'
    const logger = listener()
    const old = SharedMap.open(name, { capacity: '64KiB', logger })
    const replacing = { capacity: '64KiB', values: codecs.json(), onMismatch: 'recreate', logger } as const
    SharedMap.open(name, replacing).close()
    assert.deepEqual(logger.told, [
      `the table '${name}' was not what is asked for here, and was replaced by an empty one`,
    ])
    old.close()
    assert.match(logger.told[1] ?? '', new RegExp(`^the table '${name}' was given up: `))
    SharedMap.open(name, replacing).close()
    assert.equal(logger.told.length, 2)
    SharedMap.unlink(name)
  })

  it('are not there after options that cannot be', () => {
    const name = 'bad-options'
    for (const wrong of [{ logger: {} }, { lockTimeoutMs: 0 }, { decodedCache: -1 }, { clock: 5 }])
      assert.throws(() => SharedMap.open(name, wrong as never), /logger|lockTimeoutMs|decodedCache|clock/)
    assert.deepEqual(
      SharedMap.list().filter((table) => table.name === name),
      [],
    )
  })
})
