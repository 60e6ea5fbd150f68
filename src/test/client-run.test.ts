import { strict as assert } from 'node:assert'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { Server } from '../server/server.js'
import { runClients } from '../workload/client-run.js'
import { generateWorkload } from '../workload/generator.js'
import { KIND, RequestList } from '../workload/request-list.js'
import { sharesByKey } from '../workload/shares.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const REQUESTS = 3000
const WARM_UP_PART = 1 / 3

/** The first GET returns something else than the list says, if `isBroken`. */
function listOf(isBroken: boolean): RequestList {
  const list = new RequestList()
  let gets = 0
  generateWorkload(
    { requests: REQUESTS, skew: 1.5, putRatio: 0.5, seed: 7 },
    {
      put: (key, value) => list.push(KIND.PUT, key, value),
      get: (key, value) => list.push(KIND.GET, key, isBroken && gets++ === 0 ? value + 1 : value),
    },
  )
  return list
}

async function runWith(list: RequestList, name: string) {
  const server = await Server.start({ name, capacity: '16MiB', durability: 'off', laneWorkers: 2 })
  try {
    let onServer = -1
    const result = await runClients({
      name,
      shares: sharesByKey(list, 2),
      width: 16,
      check: true,
      warmUpPart: WARM_UP_PART,
      onStart: () => {
        onServer = server.size
      },
    })
    return { result, onServer, atEnd: server.size }
  } finally {
    await server.stop()
  }
}

test('a warm-up is sent before the start, is not counted, and the rest finds what it stored', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const directory = useScratchDirectory()
  try {
    const { result, onServer, atEnd } = await runWith(listOf(false), 'warm')
    assert.equal(result.wrong, 0)
    assert.ok(onServer > 0 && onServer < atEnd, 'part of the keys is there at the start')
    const sent = result.threads.reduce((sum, { puts, gets }) => sum + puts + gets, 0)
    assert.equal(sent, result.requests)
    // Each thread rounds its own warm-up down.
    assert.ok(Math.abs(result.requests - REQUESTS * (1 - WARM_UP_PART)) <= 2)
    assert.ok(result.milliseconds > 0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a wrong answer of the warm-up counts', { skip: NO_NAMED_TABLES }, async () => {
  const directory = useScratchDirectory()
  try {
    const { result } = await runWith(listOf(true), 'warm-wrong')
    assert.equal(result.wrong, 1)
    assert.equal(result.mismatches.length, 1)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
