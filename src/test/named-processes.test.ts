import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { codecs, SharedMap } from '../index.js'
import { HEADER_WORDS } from '../memory/header.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { awaitState, ending, killAtOnce, nextMessage, noNamespaces, start } from './named-process.js'
import { GATE_BYTES, leftovers, mapFile, NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import type { NameChange } from './named-worker.js'
import { runSeed } from './seeded-random.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const options = { skip: NO_NAMED_TABLES }
/** Processes that die at the same time, each on a name of its own. */
const AT_ONCE = 4

/** Of who is to be told TIMEOUT; who is to get the lock may have to wait until the system has dealt with a death. */
const SHORT_TIMEOUT_MS = 400
const LONG_TIMEOUT_MS = 60_000

interface HolderShape {
  readonly lockTimeoutMs: number
  readonly isApart?: boolean
  readonly leaves?: readonly string[]
}

/** A table with a key, and a process that has stopped in the middle of replacing its value. */
async function withHolder(name: string, { lockTimeoutMs, isApart = false, leaves = [] }: HolderShape) {
  const map = SharedMap.open(name, { capacity: '1MiB', stripes: 1, lockTimeoutMs })
  map.set('k', 'before')
  const gatePath = join(directory, `gate of ${name}`)
  const gate = new Int32Array(mapFile(gatePath, GATE_BYTES))
  const holder = start({ task: 'hold', name, key: 'k', gatePath, leaves }, { isApart })
  assert.equal(await nextMessage(holder), 'holding')
  return { map, holder, goOn: () => Atomics.store(gate, 0, 1) }
}

describe('processes on one named table', options, () => {
  test('count exactly', async () => {
    const lockTimeoutMs = LONG_TIMEOUT_MS
    using map = SharedMap.open('count', { capacity: '1MiB', values: codecs.int32, lockTimeoutMs })
    const times = 30_000
    const children = Array.from({ length: 3 }, () => start({ task: 'count', name: 'count', times }))
    await Promise.all(children.map(nextMessage))
    for (const child of children) child.send('go')
    for (let i = 0; i < times; i++) map.increment('counter')
    for (const child of children) assert.equal(await ending(child), 0)
    assert.equal(map.get('counter'), times * 4)
    map.check()
  })

  test('wake each other', async () => {
    using _map = SharedMap.open('wake', { capacity: '1MiB' })
    const region = MappedRegion.open(Native.load(), regionName('wake'), 0o600)!
    const word = HEADER_WORDS - 1
    const sleepMs = 20_000
    const child = start({ task: 'sleep', name: 'wake', word, sleepMs })
    assert.equal(await nextMessage(child), 'sleeping')
    const answer = nextMessage(child)
    let answered: unknown
    void answer.then((message) => {
      answered = message
    })
    Atomics.store(region.segments[0]!.words, word, 7)
    // It may not be asleep yet: then it finds the word changed, and does not sleep at all.
    while (answered === undefined) {
      region.notify(word)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { value, sleptMs } = answered as { value: number; sleptMs: number }
    assert.equal(value, 7)
    assert.ok(sleptMs < sleepMs, 'it was woken')
    region.presence.close()
  })

  test('that open one name at once get one table', async () => {
    const children = Array.from({ length: 20 }, () => start({ task: 'open', values: 'json' }))
    await Promise.all(children.map(nextMessage))
    for (const name of ['new', 'of another codec']) {
      if (name !== 'new') SharedMap.open(name, { capacity: '2MiB' }).close()
      const answers = children.map(nextMessage)
      for (const child of children) child.send(name)
      const ids = (await Promise.all(answers)).map((id) => JSON.stringify(id))
      assert.equal(new Set(ids).size, 1, name)
      using map = SharedMap.open(name, { mode: 'open', values: codecs.json() })
      assert.equal(map.size, 20)
      assert.equal(map.stats().participants, 21)
      map.check()
    }
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map(ending))
    assert.deepEqual(leftovers(directory), [])
  })

  test('more of them than there are places can come and die, one after the other', () => {
    // In one process, since the kernel's lock is what tells: closed without leaving is what a death looks like.
    SharedMap.open('mortal', { capacity: '1MiB' }).set('k', 'v')
    for (let life = 0; life < 600; life++) {
      const region = MappedRegion.open(Native.load(), regionName('mortal'), 0o600)!
      using map = new SharedMap({}, { region, keys: codecs.string, values: codecs.string, initialSize: 0 })
      map.set('k', `${life}`)
      region.presence.close()
    }
    using map = SharedMap.open('mortal')
    assert.equal(map.get('k'), '599')
    map.check()
  })

  test('may all die at once: the next goes on in the place of one of them', () => {
    const join = (life: number) => {
      const region = MappedRegion.open(Native.load(), regionName('all'), 0o600)!
      const map = new SharedMap({}, { region, keys: codecs.string, values: codecs.string, initialSize: 0 })
      map.set(`key ${life}`, 'v'.repeat(life))
      return { region, map }
    }
    SharedMap.open('all', { capacity: '8MiB' }).close()
    const lives = Array.from({ length: MAX_PARTICIPANTS }, (_, life) => join(life))
    assert.throws(() => SharedMap.open('all'), { code: 'FULL', message: /all 255 places/ })
    for (const { region } of lives) region.presence.close()
    using map = SharedMap.open('all')
    assert.equal(map.size, MAX_PARTICIPANTS)
    map.check()
    assert.equal(map.stats().participants, 1)
  })
})

describe('a process that stopped with a lock', options, () => {
  test('and lives is named by a TIMEOUT; when it goes on, all is well', async () => {
    const { map, holder, goOn } = await withHolder('stopped', { lockTimeoutMs: SHORT_TIMEOUT_MS })
    holder.kill('SIGSTOP')
    awaitState(holder, 'T')
    assert.throws(() => map.set('k', 'mine'), {
      code: 'TIMEOUT',
      outcome: 'not-applied',
      message: new RegExp(`held by process ${holder.pid}`),
    })
    goOn()
    holder.kill('SIGCONT')
    assert.equal(await ending(holder), 0)
    assert.equal(map.get('k'), 'by the holder')
    map.set('k', 'mine')
    map.check()
    map.close()
  })

  test('and is a zombie is taken over from', async () => {
    const { map, holder } = await withHolder('zombie', { lockTimeoutMs: LONG_TIMEOUT_MS })
    killAtOnce(holder)
    map.set('other', 'value')
    assert.equal(map.get('k'), 'before')
    map.check()
    awaitState(holder, 'Z')
    assert.equal(map.stats().repairs, 1)
    assert.equal(map.stats().participants, 1)
    map.close()
    await ending(holder)
  })
})

test('a child that outlives its parent keeps nothing of its locks', options, async () => {
  const { map, holder } = await withHolder('parent', {
    lockTimeoutMs: LONG_TIMEOUT_MS,
    leaves: ['sleep', '5'],
  })
  killAtOnce(holder)
  map.set('k', 'mine')
  assert.equal(map.stats().repairs, 1)
  map.check()
  map.close()
  await ending(holder)
})

describe('in another PID namespace', { skip: NO_NAMED_TABLES || noNamespaces() }, () => {
  test('a process that lives keeps its lock', async () => {
    const { map, holder, goOn } = await withHolder('apart', {
      lockTimeoutMs: SHORT_TIMEOUT_MS,
      isApart: true,
    })
    assert.throws(() => map.set('k', 'mine'), { code: 'TIMEOUT' })
    goOn()
    assert.equal(await ending(holder), 0)
    assert.equal(map.get('k'), 'by the holder')
    map.check()
    map.close()
  })

  test('a process takes nothing from those outside, and from a dead one inside all comes free', async () => {
    const { map, holder, goOn } = await withHolder('outside', { lockTimeoutMs: LONG_TIMEOUT_MS })
    const other = start({ task: 'set', name: 'outside', key: 'k' }, { isApart: true })
    assert.equal(await nextMessage(other), 'TIMEOUT')
    goOn()
    await ending(holder)
    const dying = await withHolder('inside', { lockTimeoutMs: LONG_TIMEOUT_MS, isApart: true })
    dying.holder.kill('SIGKILL')
    await once(dying.holder, 'exit')
    dying.map.set('k', 'mine')
    dying.map.check()
    dying.map.close()
    map.close()
  })
})

/** Has a process change a name and die after so many calls, then lets another one have the name. */
async function changeAndDie(change: NameChange, after: number): Promise<number | string> {
  const name = `${change} ${after}`
  if (change !== 'create') {
    using old = SharedMap.open(name, { capacity: '2MiB' })
    old.set('k', 'old')
  }
  const result = await ending(start({ task: 'die', name, change, after }))
  if (change === 'recreate') {
    using map = SharedMap.open(name, { capacity: '1MiB', values: codecs.json(), onMismatch: 'recreate' })
    assert.equal(map.get('k'), undefined, name)
  }
  using map = SharedMap.open(name)
  map.check()
  SharedMap.unlink(name)
  assert.throws(() => map.get('k'), { code: 'CLOSED' })
  const escaped = encodeURIComponent(name)
  assert.deepEqual(
    readdirSync(directory).filter((file) => file.endsWith(escaped)),
    [],
  )
  return result
}

/** One in so many calls, from another one on in every run; `npm run death -- --names` takes all of them, in threads. */
const STEP = 3

describe('a process that dies while it changes a name', options, () => {
  for (const change of ['create', 'recreate', 'unlink'] satisfies NameChange[]) {
    test(`leaves nothing that stops the next: ${change}, after calls of the system`, async (t) => {
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const points: (number | string)[] = []
      while (points.at(-1) !== 0) {
        const first = (seed % STEP) + points.length * STEP
        const batch = Array.from({ length: AT_ONCE }, (_, i) => changeAndDie(change, first + i * STEP))
        points.push(...(await Promise.all(batch)))
      }
      const deaths = points.filter((result) => result === 'SIGKILL').length
      t.diagnostic(`${deaths} deaths`)
      assert.ok(deaths > 8 / STEP)
      assert.ok(points.every((result) => result === 'SIGKILL' || result === 0))
    })
  }
})
