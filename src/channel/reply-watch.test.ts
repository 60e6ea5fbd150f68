import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { PLAIN_MODULES } from '../test/lane-plain.js'
import { LaneWorld, TINY_SHAPE } from '../test/lane-world.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import type { LaneClient } from './lane-client.js'
import { ASLEEP } from './layout.js'
import { ReplyWatch } from './reply-watch.js'

/** Longer than the watch looks by itself with each turn. */
const LATER_MS = 20

interface Kept {
  readonly watch: ReplyWatch
  /** Resolves with the number of the reply. */
  ask(number: number): Promise<number>
}

function promises(at: LaneWorld, client: LaneClient): Kept {
  const flying = new Map<number, { resolve(number: number): void; reject(error: unknown): void }>()
  const reply = at.message()
  const look = () => {
    for (const [id, { resolve }] of flying) {
      if (!client.poll(id, reply)) continue
      flying.delete(id)
      resolve(reply.first)
    }
    return flying.size > 0
  }
  const gone = (error: unknown) => {
    for (const { reject } of flying.values()) reject(error)
  }
  const watch = new ReplyWatch(client, { look, gone })
  return {
    watch,
    ask(number) {
      const id = at.submit(client, { number, keyBytes: 4, valueBytes: 4, replyBytes: 4 })
      const kept = new Promise<number>((resolve, reject) => flying.set(id, { resolve, reject }))
      watch.begin()
      return kept
    },
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function isAsleep(client: LaneClient): boolean {
  return Atomics.load(client.view.words, client.view.asleepAt) === ASLEEP.IN_EVENT_LOOP
}

async function untilAsleep(client: LaneClient): Promise<void> {
  while (!isAsleep(client)) await sleep(1)
}

for (const kind of ['threads', 'file'] as const) {
  describe(`a watch over lanes, ${kind}`, { skip: kind === 'file' && NO_NAMED_TABLES }, () => {
    async function scene(play: (at: LaneWorld, client: LaneClient, kept: Kept) => Promise<void>) {
      const directory = kind === 'file' ? useScratchDirectory() : undefined
      const at = new LaneWorld(
        PLAIN_MODULES,
        TINY_SHAPE,
        directory === undefined ? undefined : join(directory, 'lane'),
      )
      const client = at.openClient()
      const kept = promises(at, client)
      try {
        await play(at, client, kept)
      } finally {
        kept.watch.close()
        if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
      }
    }

    test('a reply that comes while the loop turns, and one that comes while it sleeps', () =>
      scene(async (at, client, { ask }) => {
        const worker = at.addWorker()
        const soon = ask(1)
        worker.poll()
        assert.equal(await soon, 1)
        const late = ask(2)
        await untilAsleep(client)
        worker.poll()
        assert.equal(await late, 2)
        assert.equal(isAsleep(client), false)
      }))

    test('many, one after the other and at once', () =>
      scene(async (at, _client, { ask }) => {
        const worker = at.addWorker()
        const timer = setInterval(() => worker.poll(), 1)
        try {
          for (let number = 1; number < 20; number++) assert.equal(await ask(number), number)
          assert.deepEqual(await Promise.all([20, 21, 22, 23].map(ask)), [20, 21, 22, 23])
        } finally {
          clearInterval(timer)
        }
      }))

    test('a blocking wait in between loses nothing', () =>
      scene(async (at, client, { ask }) => {
        const worker = at.addWorker()
        const first = ask(1)
        await untilAsleep(client)
        const id = at.submit(client, { number: 2, keyBytes: 4, valueBytes: 4, replyBytes: 4 })
        assert.equal(client.wait(id, at.message(), 1), false)
        worker.poll()
        assert.equal(client.wait(id, at.message(), 1000), true)
        assert.equal(await first, 1)
      }))

    test('the end of the server is told, be it said or found out', () =>
      scene(async (at, client, { ask }) => {
        const closed = ask(1)
        await untilAsleep(client)
        at.isServerAlive = false
        await assert.rejects(closed, (error) => isOperationError(error, 'SERVER_GONE'))
      }))

    test('a closed lane wakes who waits', () =>
      scene(async (at, client, { ask }) => {
        const closed = ask(1)
        await untilAsleep(client)
        at.file.close()
        await assert.rejects(closed, (error) => isOperationError(error, 'SERVER_GONE'))
      }))

    test('nothing is called after close', () =>
      scene(async (at, client, { ask, watch }) => {
        const worker = at.addWorker()
        let isKept = false
        ask(1).then(() => {
          isKept = true
        })
        await untilAsleep(client)
        watch.close()
        worker.poll()
        await sleep(LATER_MS)
        assert.equal(isKept, false)
      }))
  })
}

test('waiting keeps the process alive until the reply has come, and no longer', () => {
  const program = `
    import { LaneWorld } from ${JSON.stringify(new URL('../test/lane-world.js', import.meta.url).href)}
    import { PLAIN_MODULES } from ${JSON.stringify(new URL('../test/lane-plain.js', import.meta.url).href)}
    import { ReplyWatch } from ${JSON.stringify(new URL('./reply-watch.js', import.meta.url).href)}
    const at = new LaneWorld(PLAIN_MODULES), worker = at.addWorker(), client = at.openClient()
    setTimeout(() => worker.poll(), 150).unref()
    const reply = at.message()
    const id = at.submit(client, { number: 1, keyBytes: 4, valueBytes: 4, replyBytes: 4 })
    await new Promise((resolve, reject) => {
      const look = () => (client.poll(id, reply) ? (resolve(), false) : true)
      new ReplyWatch(client, { look, gone: reject }).begin()
    })
    console.log('kept', reply.first)`
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(ended.stderr, '')
  assert.equal(ended.stdout, 'kept 1\n')
  assert.equal(ended.status, 0)
})
