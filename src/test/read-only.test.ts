/** Readers that cannot store, in processes and threads beside others that write, stop and die. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isOperationError, SharedMap } from '../index.js'
import { complaintOf, runHistory } from './history-run.js'
import { awaitState, ending, killAtOnce, nextMessage, start } from './named-process.js'
import { GATE_BYTES, mapFile, NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'
import { runStorm } from './storm.js'

const options = { skip: NO_NAMED_TABLES }
const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''

describe('what read-only processes see of a named table is linearizable with what others do', options, () => {
  for (const values of ['numbers', 'texts'] as const) {
    test(`${values}, 2 who read and 2 who write 2 keys while other entries come and go`, async (t) => {
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const shape = { threads: 4, readers: 2, keys: 2, operationsPerThread: 2000, directory }
      const report = await runHistory({ subject: { values }, seed, ...shape })
      assert.ok(report.operations > 7000)
      assert.equal(complaintOf(report), undefined)
    })
  }
})

describe('read-only readers under a storm of writers see no torn, foreign or dead value', options, () => {
  for (const kind of ['text', 'bytes'] as const) {
    test(`${kind} of 0 B to 200 KB, with growth, clears and chunks used again`, async (t) => {
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const shape = { readers: 2, writers: 2, reads: 20_000, keys: 200, capacity: '8MiB', stripes: 4 }
      const counts = await runStorm({ kind, seed, name: `storm of ${kind}`, ...shape })
      t.diagnostic(JSON.stringify(counts))
      // How much is written meanwhile is for the scheduler of the system to say.
      assert.ok(counts.reads >= 20_000 && counts.hits > 0 && counts.writes > 0)
    })
  }
})

/** A table whose entry `k` a process has begun to replace. */
async function withHolder(name: string) {
  const map = SharedMap.open(name, { capacity: '1MiB', lockTimeoutMs: 300 })
  map.set('k', 'before').set('other', 'here')
  const gatePath = join(directory, `gate of ${name}`)
  const gate = new Int32Array(mapFile(gatePath, GATE_BYTES))
  const holder = start({ task: 'hold', name, key: 'k', gatePath })
  assert.equal(await nextMessage(holder), 'holding')
  const view = SharedMap.open(name, { access: 'ro', lockTimeoutMs: 100 })
  return { map, view, holder, goOn: () => Atomics.store(gate, 0, 1) }
}

test(
  'a check by one who only reads holds nobody up, and raises no false alarm while others write',
  options,
  async (t) => {
    const shape = { readers: 1, writers: 2, reads: 20_000, keys: 200, capacity: '4MiB', stripes: 16 }
    const storm = runStorm({ kind: 'text', seed: runSeed(), name: 'checked', ...shape })
    using view = SharedMap.open('checked', { access: 'ro', lockTimeoutMs: 50 })
    const checks = { good: 0, unquiet: 0 }
    let isOver = false
    const over = storm.finally(() => {
      isOver = true
    })
    while (!isOver) {
      try {
        view.check()
        checks.good++
      } catch (error) {
        // A stripe that is written to all the time cannot be judged.
        if (!isOperationError(error, 'TIMEOUT')) throw error
        checks.unquiet++
      }
      await turn()
    }
    await over
    t.diagnostic(JSON.stringify(checks))
    // Now that it is quiet, nothing is left unjudged.
    view.check()
  },
)

describe('a read-only reader that meets an entry in the middle of a change', options, () => {
  test('by one who has stopped names it; it reads all else, and that entry when it is done', async () => {
    const { map, view, holder, goOn } = await withHolder('stopped')
    holder.kill('SIGSTOP')
    awaitState(holder, 'T')
    const named = { code: 'TIMEOUT', message: new RegExp(`held by process ${holder.pid}, .* is alive`) }
    assert.throws(() => view.get('k'), named)
    assert.throws(() => view.check(), named)
    assert.equal(view.get('other'), 'here')
    assert.equal(view.get('absent'), undefined)
    goOn()
    holder.kill('SIGCONT')
    assert.equal(await ending(holder), 0)
    assert.equal(view.get('k'), 'by the holder')
    view.check()
    view.close()
    map.close()
  })

  test('by one who has died says so, and reads it once somebody who writes has repaired it', async () => {
    const { map, view, holder } = await withHolder('dead')
    killAtOnce(holder)
    assert.throws(() => view.get('k'), { code: 'TIMEOUT', message: /which has died/ })
    map.set('k', 'after')
    assert.equal(view.get('k'), 'after')
    view.check()
    assert.equal(view.stats().repairs, 1)
    view.close()
    map.close()
    await ending(holder)
  })
})
