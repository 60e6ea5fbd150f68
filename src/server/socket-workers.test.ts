import assert from 'node:assert/strict'
import { it } from 'node:test'
import { DirectStore } from '../store/direct-store.js'
import { NodeCounters } from './counters.js'
import type { FixedFacts } from './facts.js'
import { startSocketWorkers } from './socket-workers.js'

const CUE = 'socket-workers.test'

const FACTS: FixedFacts = {
  version: '0',
  startedAtMs: 0,
  host: '127.0.0.1',
  eviction: 'none',
  socketWorkers: 2,
  durability: 'off',
  counters: NodeCounters.create(2),
  log: undefined,
}

/** A worker that says it listens and, if it is the second, does what `then` says when it is told; the first waits to be stopped. */
function entry(then: string): URL {
  const code = `
    import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads'
    if (workerData.index === 1) new BroadcastChannel('${CUE}').onmessage = () => { ${then} }
    else parentPort.once('message', () => parentPort.close())
    parentPort.postMessage({ kind: 'listening', port: 1, fd: 0 })`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

async function withWorkers(then: string, expected: RegExp): Promise<void> {
  const store = DirectStore.create({ capacityBytes: 2 ** 20 })
  const workers = await startSocketWorkers({
    address: { host: '127.0.0.1', port: 0 },
    table: store.share(),
    facts: FACTS,
    shutdown: () => {},
    entry: entry(then),
  })
  // Only now: what fails while they are started is refused by the start itself.
  const cue = new BroadcastChannel(CUE)
  try {
    cue.postMessage('now')
    await assert.rejects(workers.failed, expected)
  } finally {
    cue.close()
    // Ends although one of the workers is gone already.
    await workers.stop()
    store.close()
  }
}

it('a socket worker that dies of a bug is noticed with its error, and the rest can be stopped', () =>
  withWorkers("throw new Error('a bug')", /a bug/))

it('a socket worker that ends unasked is noticed, and the rest can be stopped', () =>
  withWorkers('process.exit(3)', /ended unasked, with 3/))
