/**
 * What was answered as expired is not there again after a restart, also when the clock was set back meanwhile: the answer goes
 * out once the log holds a time by which it is true. The one exception is what PROMISES.md says of a log that takes nothing.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { SimulatedDisk } from '../log/simulated-disk.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'
import { openTrial } from './sequenced-trial.js'

const START_MS = 1_700_000_000_000
const DAY_MS = 24 * 3600 * 1000
const KEY = Buffer.from('key')
const VALUE = Buffer.from('value')
const fillers = Array.from({ length: 300 }, (_, number) => Buffer.from(`filler ${number}`))

/** A node on a disk, and the clock on its wall. */
class Node {
  readonly disk: SimulatedDisk
  readonly store: SequencedStore
  clockMs: number
  /** Since the start. */
  elapsedMs = 0

  constructor(disk: SimulatedDisk, clockMs: number) {
    this.disk = disk
    this.clockMs = clockMs
    this.store = openTrial(disk, {}, { clock: () => this.clockMs, monotonicMs: () => this.elapsedMs })
  }

  /** One group of one request. */
  ask<T>(work: (store: Store) => T): T {
    const { result, lsn } = this.store.evaluate(work)
    const { released, refused } = this.store.commit(0)
    if (lsn <= released) return result
    throw refused
  }

  /** Another node on what this one leaves when it is killed now. */
  killed(clockMs: number): Node {
    return new Node(this.disk.afterExit(), clockMs)
  }

  /** Another node on what this one leaves when it is stopped in order. */
  stopped(clockMs: number): Node {
    this.store.close()
    return new Node(this.disk, clockMs)
  }
}

const setKey = (store: Store): boolean => store.set(KEY, VALUE, START_MS + 1000, 'always')
const hasKey = (store: Store): boolean => store.has(KEY)
const listed = (store: Store): string[] => store.scan(0, 10_000).keys.map(String)

describe('after a kill, with the clock set back by a day', () => {
  const answers: readonly (readonly [string, (store: Store) => boolean])[] = [
    ['that was asked for', hasKey],
    ['that a listing left out', (store) => listed(store).includes('key')],
    // One draw may come across the other key first, and then says nothing of this one.
    [
      'that nobody drew at random',
      (store) => Array.from({ length: 1000 }, () => store.randomKey()).some((key) => key?.equals(KEY)),
    ],
    [
      'that a transaction listed, and nothing else',
      (store) => {
        let found = true
        store.transact((inner) => {
          found = listed(inner).includes('key')
        })
        return found
      },
    ],
  ]
  for (const [name, answer] of answers) {
    it(`an expired key ${name} is not there again`, () => {
      const node = new Node(new SimulatedDisk(), START_MS)
      node.ask((store) => {
        setKey(store)
        store.set(Buffer.from('other'), VALUE, 'none', 'always')
      })
      assert.equal(node.ask(hasKey), true)
      node.clockMs += 2000
      assert.equal(node.ask(answer), false)
      const next = node.killed(START_MS - DAY_MS)
      assert.equal(next.ask(hasKey), false)
      assert.deepEqual(next.ask(listed), ['other'])
    })
  }

  it('one that nobody was told of is there again, for as long as it has left', () => {
    const node = new Node(new SimulatedDisk(), START_MS)
    node.ask(setKey)
    node.clockMs += 2000
    assert.equal(node.killed(START_MS - DAY_MS).ask(hasKey), true)
  })

  it('a listing that brings the time to the log leaves what others have asked for in its group as it is', () => {
    const node = new Node(new SimulatedDisk(), START_MS)
    node.ask((store) => {
      setKey(store)
      for (const filler of fillers) store.set(filler, VALUE, 'none', 'always')
    })
    node.clockMs += 2000
    const { store } = node
    for (const filler of fillers) store.evaluate((each) => each.delete(filler))
    // The second look rests on what the first has left pending.
    assert.deepEqual(store.evaluate(listed).result, [])
    assert.deepEqual(store.evaluate(listed).result, [])
    assert.equal(store.evaluate((each) => each.size).result, 0)
    store.commit(0)
    assert.deepEqual(node.ask(listed), [])
  })

  it('a listing that leaves nothing out writes nothing', () => {
    const node = new Node(new SimulatedDisk(), START_MS)
    node.ask(setKey)
    const { position } = node.store
    assert.deepEqual(node.ask(listed), ['key'])
    assert.equal(node.store.position, position)
    node.clockMs += 2000
    assert.deepEqual(node.ask(listed), [])
    // Once the log has the time, all other answers rest on it.
    const told = node.store.position
    assert.deepEqual(node.ask(listed), [])
    assert.equal(node.store.position, told)
  })
})

describe('a key that expires while the disk is full', () => {
  /** A node whose log has refused to note that the key is gone, and which has said so all the same. */
  function told(): Node {
    const node = new Node(new SimulatedDisk(), START_MS)
    node.ask((store) => {
      setKey(store)
      for (const filler of fillers) store.set(filler, VALUE, 'none', 'always')
    })
    node.disk.capacityBytes = 1
    const isFull = fillers.some((filler) => {
      try {
        node.ask((store) => store.delete(filler))
        return false
      } catch (error) {
        assert.ok(isOperationError(error, 'DISK_FULL'))
        return true
      }
    })
    assert.ok(isFull, 'a segment takes no more deletes')
    node.clockMs += 2000
    const { position } = node.store
    assert.equal(node.ask(hasKey), false)
    assert.ok(!node.ask(listed).includes('key'))
    assert.equal(node.store.position, position, 'the log took nothing')
    return node
  }

  it('stays away while the node runs, whatever the clock says', () => {
    const node = told()
    node.clockMs -= DAY_MS
    assert.equal(node.ask(hasKey), false)
    assert.ok(!node.ask(listed).includes('key'))
  })

  it('stays away for good once there is space again, or the node was stopped in order', () => {
    const healed = told()
    healed.disk.capacityBytes = Number.POSITIVE_INFINITY
    healed.elapsedMs += 1000
    healed.ask((store) => store.set(Buffer.from('next'), VALUE, 'none', 'always'))
    assert.equal(healed.killed(START_MS - DAY_MS).ask(hasKey), false)
    const node = told()
    assert.equal(node.stopped(START_MS - DAY_MS).ask(hasKey), false)
  })

  it('is there again if the node dies before there is, and its next clock is behind: the exception of PROMISES.md', () => {
    assert.equal(
      told()
        .killed(START_MS - DAY_MS)
        .ask(hasKey),
      true,
    )
    assert.equal(
      told()
        .killed(START_MS + 2000)
        .ask(hasKey),
      false,
    )
  })
})
