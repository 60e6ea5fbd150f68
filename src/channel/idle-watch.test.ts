import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { PLAIN_MODULES } from '../test/lane-plain.js'
import { DEFERRED, LaneWorld } from '../test/lane-world.js'
import { Bell } from './bell.js'
import { IdleWatch, REST_MS } from './idle-watch.js'
import { Ledger, WATCH } from './ledger.js'

const RESTS_AFTER = 3

/** Workers that only sleep and rise. */
function house(count: number) {
  const ledger = Ledger.create(1)
  const bell = Bell.create()
  const workers = Array.from({ length: count }, (_, number) => {
    const tag = ledger.join(number, { thread: number + 1, startTime: 1 })
    bell.join(number)
    return { number, tag, watch: new IdleWatch(ledger, bell, tag, RESTS_AFTER) }
  })
  const watcher = () => Atomics.load(ledger.words, ledger.watchAt + WATCH.watcher)
  /** Up to the sleep; what it may take. */
  const lieDown = ({ number, watch }: (typeof workers)[0]): number => {
    bell.announceSleep(number)
    return watch.isDue ? watch.restMs() : WAIT_SLICE_MS
  }
  /** A sleep that nobody ends, or that ends at once if this one was rung for before. */
  const sleep = (worker: (typeof workers)[0]): number => {
    const ms = lieDown(worker)
    worker.watch.slept(ms, bell.sleep(worker.number, 0))
    return ms
  }
  const tire = () => {
    for (let slice = 0; slice < RESTS_AFTER; slice++)
      for (const worker of workers) assert.equal(sleep(worker), WAIT_SLICE_MS, 'not yet')
  }
  return { ledger, bell, workers, watcher, lieDown, sleep, tire }
}

test('of workers that find nothing one goes on with short slices, and the others sleep long', () => {
  const { workers, sleep, tire, watcher } = house(4)
  tire()
  for (let round = 0; round < 3; round++)
    assert.deepEqual(workers.map(sleep), [WAIT_SLICE_MS, REST_MS, REST_MS, REST_MS])
  assert.equal(watcher(), workers[0]!.tag)
})

test('a watcher that has work wakes all who rest before it begins, and nobody rests for a while', () => {
  const { workers, bell, lieDown, tire, watcher } = house(3)
  tire()
  assert.deepEqual(workers.map(lieDown), [WAIT_SLICE_MS, REST_MS, REST_MS])
  const [first, ...others] = workers
  bell.stayAwake(first!.number)
  first!.watch.rise()
  assert.equal(watcher(), 0)
  for (const { number, watch } of others) {
    assert.equal(bell.sleep(number, 60_000), true, 'it does not sleep on')
    watch.slept(REST_MS, true)
  }
  for (const worker of workers) {
    assert.equal(worker.watch.isResting, false)
    assert.equal(lieDown(worker), WAIT_SLICE_MS)
  }
})

test('who lies down while the watcher rises is woken, or has seen that nobody watches', () => {
  const { workers, bell, lieDown, tire, watcher } = house(2)
  const [first, second] = workers as [(typeof workers)[0], (typeof workers)[0]]
  tire()
  lieDown(first)
  bell.stayAwake(first.number)
  // Announced, and not yet looked: then it looks after the tag has gone.
  bell.announceSleep(second.number)
  first.watch.rise()
  assert.equal(second.watch.restMs(), WAIT_SLICE_MS)
  assert.equal(watcher(), second.tag)
  assert.equal(bell.sleep(second.number, 60_000), true, 'and was woken besides')
})

test('one that rests and is rung for does not disturb the others', () => {
  const { workers, bell, lieDown, sleep, tire, watcher } = house(3)
  tire()
  for (const worker of workers) lieDown(worker)
  bell.wake(2)
  sleep(workers[2]!)
  assert.equal(workers[2]!.watch.isResting, false)
  assert.equal(watcher(), workers[0]!.tag)
  assert.equal(bell.sleep(1, 0), false)
})

test('a watcher without a beat, dead or stopped, is replaced once somebody has slept long; one that beats is not', () => {
  const { workers, sleep, tire, watcher } = house(3)
  const [first, second, third] = workers as [(typeof workers)[0], (typeof workers)[0], (typeof workers)[0]]
  tire()
  for (let round = 0; round < 5; round++) for (const worker of workers) sleep(worker)
  assert.equal(watcher(), first.tag)
  // Seen with its last beat; a long sleep later it has not moved on.
  assert.equal(sleep(second), WAIT_SLICE_MS, 'it had been seen with that beat already')
  assert.equal(watcher(), second.tag)
  assert.equal(sleep(third), REST_MS, 'another watcher')
  assert.equal(sleep(first), REST_MS, 'that was only stopped finds its place taken')
  first.watch.rise()
  assert.equal(watcher(), second.tag, 'and gives up nothing that is not its own')
})

test('a successor of the same number does not take the tag of the dead for its own', () => {
  const { ledger, bell, workers, sleep, tire, watcher } = house(2)
  tire()
  for (const worker of workers) sleep(worker)
  const dead = watcher()
  const tag = ledger.join(0, { thread: 9, startTime: 1 })
  bell.join(0)
  const successor = { number: 0, tag, watch: new IdleWatch(ledger, bell, tag, 0) }
  assert.notEqual(tag, dead)
  assert.deepEqual([sleep(successor), sleep(successor)], [REST_MS, WAIT_SLICE_MS])
  assert.equal(watcher(), tag)
})

test('a watcher that died between giving up its tag and waking the others leaves them to watch themselves', () => {
  const { ledger, workers, sleep, tire, watcher } = house(3)
  tire()
  for (const worker of workers) sleep(worker)
  Atomics.store(ledger.words, ledger.watchAt + WATCH.watcher, 0)
  assert.equal(sleep(workers[2]!), WAIT_SLICE_MS)
  assert.equal(watcher(), workers[2]!.tag)
  assert.equal(sleep(workers[1]!), REST_MS)
})

test('nobody begins a long sleep once the process ends', () => {
  const { ledger, workers, sleep, tire } = house(3)
  tire()
  ledger.noteEnd()
  assert.deepEqual(workers.map(sleep), [WAIT_SLICE_MS, WAIT_SLICE_MS, WAIT_SLICE_MS])
})

test('idle workers: a request that nobody was rung for is found by the watcher, which wakes the others first', () => {
  const at = new LaneWorld(PLAIN_MODULES)
  const client = at.openClient()
  const workers = [0, 1, 2].map(() => at.addWorker({ restsAfter: 0 }))
  for (const worker of workers) worker.sleep(0)
  for (const { number } of workers) at.bell.announceSleep(number)
  // Its ring is lost: everybody seems awake to it.
  at.bell.stayAwake(0)
  at.submit(client, { number: 1, keyBytes: 4, valueBytes: 4, replyBytes: 4 })
  assert.equal(workers[0]!.poll(), 1)
  assert.deepEqual(at.executed, [1])
  assert.equal(at.bell.sleep(1, 60_000), true)
  assert.equal(at.bell.sleep(2, 60_000), true)
})

test('a worker that holds a lane does not rest, since nobody else could go on there', () => {
  const at = new LaneWorld(PLAIN_MODULES)
  const client = at.openClient()
  const [first, second] = [at.addWorker({ restsAfter: 0 }), at.addWorker({ restsAfter: 0 })]
  const watcher = () => Atomics.load(at.ledger.words, at.ledger.watchAt + WATCH.watcher)
  at.submit(client, { number: 1, keyBytes: 4, valueBytes: 4, replyBytes: 4, flags: DEFERRED })
  assert.equal(first.poll(), 1)
  first.sleep(0)
  assert.equal(watcher(), 0)
  second.sleep(0)
  const watching = watcher()
  assert.notEqual(watching, 0)
  at.completeDeferred(first)
  first.sleep(0)
  assert.equal(watcher(), watching)
  second.close()
  assert.equal(watcher(), 0, 'who ends hands the watch on')
  first.sleep(0)
  assert.notEqual(watcher(), 0)
})

test('nonsense that a client writes into the bell wakes nobody who is not there', () => {
  const bell = Bell.create()
  const { words } = bell.region.segments[0]!
  bell.join(0)
  words[1] = 1 << 31
  bell.ringForHelp()
  bell.wakeSleepers()
  words[0] = 1 << 31
  assert.deepEqual(bell.awake(), [])
})
