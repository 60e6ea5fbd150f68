import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { crashNode } from './node-crash.js'
import { runSeed } from './seeded-random.js'

if (NO_NAMED_TABLES === false) useScratchDirectory()

test('a node that is killed under load has lost nothing that anybody was told or shown', {
  skip: NO_NAMED_TABLES,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-crash-'))
  try {
    const seed = runSeed()
    const counts = await crashNode({
      directory,
      name: `crash ${process.pid}`,
      seed,
      kills: 40,
      mostLifeMs: 300,
      mostMs: 5000,
    })
    t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
    assert.ok(counts.kills >= 2 && counts.acknowledged > 0 && counts.reads > 0)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
