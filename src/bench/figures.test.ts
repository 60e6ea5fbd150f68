import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runChild } from './child.js'
import { atLeast, atMost, type Figure, scoreOf, verdictOf } from './figure.js'
import { runFigures } from './figures.js'
import { formatEnd, formatFigure, formatStart } from './figures-report.js'
import { sampleSession } from './probes/decoded.js'
import { DEFAULT_SWEEP_LIMITS, SWEEP_NAMES, sweepPlan, sweepWorkload } from './sweep.js'
import { formatSweep } from './sweep-report.js'

const FIGURE: Figure = {
  section: 'get',
  label: 'get by the C++ map',
  unit: 'times',
  asked: atLeast(1.3),
  measured: 1.5,
  detail: '3.00 M/s beside 2.00',
}

test('a figure is met at its bound and on the right side of it', () => {
  assert.equal(verdictOf(FIGURE), 'met')
  assert.equal(verdictOf({ ...FIGURE, measured: 1.3 }), 'met')
  assert.equal(verdictOf({ ...FIGURE, measured: 1.29 }), 'missed')
  assert.equal(verdictOf({ ...FIGURE, asked: atMost(1.3) }), 'missed')
  const { measured: _measured, ...skipped } = FIGURE
  assert.equal(verdictOf(skipped), 'not measured')
  const { asked: _asked, ...reported } = FIGURE
  assert.equal(verdictOf(reported), 'reported')
})

test('a score above 1 is better than asked, whichever way the bound points', () => {
  assert.equal(scoreOf({ ...FIGURE, asked: atLeast(2), measured: 3 }), 1.5)
  assert.equal(scoreOf({ ...FIGURE, asked: atMost(3), measured: 2 }), 1.5)
})

test('a row shows what was asked beside what was measured', () => {
  const text = formatFigure(FIGURE)
  for (const part of ['get by the C++ map', '>= 1.30x', '1.50x', 'met', '3.00 M/s beside 2.00']) {
    assert.ok(text.includes(part), text)
  }
  assert.ok(formatFigure({ ...FIGURE, measured: 1 }).includes('MISSED'))
})

test('a sweep stays within its limits, and every cell of its panels has a point', () => {
  for (const name of SWEEP_NAMES) {
    const limits = { ...DEFAULT_SWEEP_LIMITS, mostKeys: 100_000, mostThreads: 2, payloadBytes: 2 ** 24 }
    const plan = sweepPlan(name, limits)
    for (const { keys, valueBytes, threads } of plan.points) {
      assert.ok(keys >= 1 && keys * (16 + valueBytes) <= limits.payloadBytes)
      assert.ok(threads <= 2)
    }
    assert.ok(plan.points.length >= 2)
    for (const { cells } of plan.panels) {
      assert.ok(
        cells.every(({ point, operation }) => plan.points[point] && plan.operations.includes(operation)),
      )
    }
  }
})

test('what a sweep prepares for large values is bounded', () => {
  const [point] = sweepPlan('values', DEFAULT_SWEEP_LIMITS).points.slice(-1)
  assert.ok(point !== undefined)
  const workload = sweepWorkload(point, ['mix-0'])
  assert.equal(workload.valueBytes, 65_536)
  assert.ok(workload.mixOperations * workload.valueBytes <= 2 ** 28)
})

test('a sweep is a row a contender, with a dash where nothing was measured', () => {
  const text = formatSweep({
    sweep: 'keys',
    rounds: 3,
    points: sweepPlan('keys', DEFAULT_SWEEP_LIMITS).points.slice(0, 2),
    panels: [
      { title: 'get', labels: ['1k', '10k'], series: [{ contender: 'cpp', millionPerSecond: [2.5, null] }] },
    ],
    leftOut: ['C++ at 10k: there is no g++'],
  })
  assert.match(text, /C\+\+ unordered_map x64\s+2\.50\s+-/)
  assert.match(text, /left out: C\+\+ at 10k: there is no g\+\+/)
})

test('the sample object is about 1 KB of JSON', () => {
  const bytes = Buffer.byteLength(JSON.stringify(sampleSession(17)))
  assert.ok(bytes > 960 && bytes < 1090, `${bytes} bytes`)
})

test('a child that fails rejects with the line that names the error', async () => {
  const missing = new URL('./no-such-program.js', import.meta.url).pathname
  await assert.rejects(runChild(missing, {}, { timeoutMs: 10_000 }), /Cannot find module/)
})

test('a tiny run measures every section it can, tells of each process, and says why it skipped a figure', async () => {
  const told: Figure[] = []
  const steps: number[] = []
  const totals = new Set<number>()
  const report = await runFigures({
    keys: 200,
    rounds: 1,
    sections: ['get', 'set', 'memory', 'growth', 'eviction', 'flood'],
    onFigure: (figure) => told.push(figure),
    onProgress: ({ done, total }) => {
      totals.add(total)
      if (steps.at(-1) !== done) steps.push(done)
    },
  })
  assert.deepEqual(told, report.figures)
  assert.equal(totals.size, 1)
  assert.equal(steps.at(-1), [...totals][0])
  for (const figure of report.figures) {
    assert.ok(figure.detail !== '', figure.label)
    assert.ok(figure.measured === undefined || Number.isFinite(figure.measured), figure.label)
  }
  const measured = new Set(
    report.figures.flatMap((figure) => (figure.measured === undefined ? [] : figure.section)),
  )
  for (const section of ['get', 'set', 'memory', 'growth', 'flood'] as const) assert.ok(measured.has(section))
  assert.ok(formatStart(report.machine, report.scale).includes(process.version))
  assert.match(formatEnd(report), /^\d+ met, \d+ missed, \d+ not measured/)
})
