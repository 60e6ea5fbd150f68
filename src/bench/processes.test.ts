import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { verdictOf } from './figure.js'
import type { ProcessesReport } from './processes.js'
import { runProcessesBench } from './processes.js'
import { figuresOf, formatRates, processesPictures } from './processes-figures.js'
import { ProcessResults } from './processes-results.js'

const NO_NAMED_TABLES = existsSync('/dev/shm') ? false : 'named tables need Linux with /dev/shm'

/** A report of which every time is given; what is missing is left out. */
function reportOf(results: ProcessResults): ProcessesReport {
  const machine = {
    cpuModel: 'processor',
    cores: 2,
    memoryGib: 1,
    kernel: 'kernel',
    node: 'v20',
    date: '2026-01-01T00:00:00.000Z',
    loadBefore: 0,
    commit: undefined,
    command: 'hearth bench processes',
  }
  const scale = { keys: 10, valueBytes: 10, rounds: 2, processes: 3, awaitedGets: 5 }
  return { machine, scale, results, redisVersion: undefined, seconds: 1 }
}

test('a small run measures processes on one table, and leaves nothing behind', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const before = readdirSync('/dev/shm').filter((file) => file.startsWith('hearth-bench-'))
  const report = await runProcessesBench({
    keys: 300,
    rounds: 1,
    processes: 2,
    sections: ['get', 'set'],
    awaitedGets: 20,
  })
  const measured = report.results.rates.filter(({ contender }) => contender === 'named')
  assert.deepEqual(
    measured.map(({ operation, places }) => `${operation} ${places.join('+')}`),
    ['get 0', 'get 1', 'get 0+1', 'set-update 0', 'set-update 1', 'set-update 0+1'],
  )
  assert.ok(report.results.rates.every(({ medianNsPerOperation }) => medianNsPerOperation > 0))
  const left = readdirSync('/dev/shm').filter((file) => file.startsWith('hearth-bench-'))
  assert.deepEqual(
    left.filter((file) => !before.includes(file)),
    [],
  )
})

test('ratios are of the sides that they name, and what is left out says why', () => {
  const results = new ProcessResults()
  for (const ns of [600, 800]) results.add('named', 'get', [0], ns)
  for (const ns of [700, 1000]) results.add('named', 'get', [1], ns)
  for (const ns of [500, 500]) results.add('named', 'get', [0, 1], ns)
  for (const ns of [1000, 1000]) results.add('named', 'set-update', [0], ns)
  for (const ns of [800, 800]) results.add('named', 'set-update', [0, 1], ns)
  results.add('ioredis', 'get', [0], 127_500)
  results.leaveOut('lmdb', 'no such package')
  results.addOpenings('existing', [12, 3, 5], [9, 2, 4])
  const report = reportOf(results)
  const figures = figuresOf(report)
  const of = (label: string) => figures.find((figure) => figure.label.includes(label))
  assert.equal(of('from a second process by own')?.measured, 850 / 700)
  assert.equal(of('awaited ioredis')?.measured, 150)
  assert.equal(of('set (replace) of 2 processes')?.measured, 1.25)
  assert.equal(of('opening of one that is there')?.measured, 12)
  const lmdb = figures.find(({ label }) => label.includes('putSync'))
  assert.ok(lmdb !== undefined && verdictOf(lmdb) === 'not measured')
  assert.match(lmdb.detail, /lmdb was left out: no such package/)
  assert.match(formatRates(report), /Hearth, named table +get +a second process +1\.18 +850 +- +1\.43 1\.00/)
  for (const { svg } of processesPictures(report, figures)) assert.match(svg, /^<svg .*<\/svg>\n$/s)
})

test('a number of processes that cannot be is refused by name', async () => {
  await assert.rejects(runProcessesBench({ processes: 1 }), /RangeError: processes/)
})
