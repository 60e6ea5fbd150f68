import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelReport } from './channel.js'
import { channelFigures } from './channel-figures.js'
import { channelParts } from './channel-parts.js'
import { channelPictures, formatRows } from './channel-report.js'
import { ChannelResults } from './channel-results.js'
import { CHANNEL_SECTION_NAMES, type Sample } from './channel-scale.js'
import { verdictOf } from './figure.js'
import { describeMachine } from './machine.js'

const SCALE = { rounds: 2, calls: 1000, requests: 1000, idleMs: 1000 }

/** A report of two rounds; `sampleOf` makes the sample of a part, undefined leaves it out. */
function reportOf(
  redisPort: number | undefined,
  sampleOf: (key: string) => Sample | undefined,
): ChannelReport {
  const results = new ChannelResults()
  if (redisPort === undefined) results.leaveOut('redis', 'there is no redis-server on this machine')
  for (const part of channelParts(SCALE, CHANNEL_SECTION_NAMES, redisPort)) {
    const sample = sampleOf(part.key)
    if (sample === undefined) results.leaveOut(part.key, 'it failed')
    else {
      results.add(part, sample)
      results.add(part, { ...sample, value: sample.value * 3 })
    }
  }
  const redisVersion = redisPort === undefined ? undefined : '7.0'
  return { machine: describeMachine(), scale: SCALE, results, redisVersion, seconds: 1 }
}

const timed = (ns: number): Sample => ({ value: ns, p50Ns: ns, p99Ns: 2 * ns, p999Ns: 3 * ns })
const quick = (key: string): Sample => {
  if (key === 'calls blocking') return timed(900)
  if (key.startsWith('calls')) return timed(key === 'calls promise' ? 20_000 : 60_000)
  return { value: key.startsWith('idle') ? 0.25 : 2 }
}

test('every figure that was asked for is made of its own rows', () => {
  const figures = channelFigures(reportOf(1, quick), CHANNEL_SECTION_NAMES)
  const told = figures.flatMap(({ label, measured, asked }) =>
    asked === undefined ? [] : [[label, measured]],
  )
  assert.deepEqual(told, [
    ['p50 of a blocking set, worker awake', 0.9],
    ['p50 of Hearth, await by ioredis, await', 20 / 60],
    ['requests a second, window 64, one worker', 4],
    ['requests a second: a second lane worker by one', 1],
    ['processor time, idle, 4 lane workers', 0.5],
  ])
  assert.ok(figures.every((figure) => verdictOf(figure) !== 'missed' && figure.measured !== undefined))
})

test('what was not measured says why, and a slow channel misses', () => {
  const without = channelFigures(
    reportOf(undefined, (key) => (key.startsWith('idle') ? undefined : quick(key))),
    CHANNEL_SECTION_NAMES,
  )
  const reasons = without.flatMap(({ label, measured, detail }) =>
    measured === undefined ? [[label, detail]] : [],
  )
  assert.ok(
    reasons.some(
      ([label, detail]) => label === 'processor time, idle, 4 lane workers' && detail === 'it failed',
    ),
  )
  assert.ok(reasons.some(([, detail]) => detail === 'there is no redis-server on this machine'))
  const slow = channelFigures(
    reportOf(1, () => timed(1e6)),
    ['calls'],
  )
  assert.ok(slow.every(({ section }) => section === 'calls'))
  assert.equal(slow[0] === undefined ? undefined : verdictOf(slow[0]), 'missed')
})

test('rows and pictures show every part, and a part alone makes a report', () => {
  const report = reportOf(1, quick)
  const text = formatRows(report)
  for (const { label } of report.results.rows) assert.ok(text.includes(label), label)
  const pictures = channelPictures(report, channelFigures(report, CHANNEL_SECTION_NAMES))
  assert.deepEqual(
    pictures.map(({ fileName }) => fileName),
    ['bench-channel.svg', 'bench-channel-calls.svg', 'bench-channel-windows.svg'],
  )
  assert.ok(pictures.every(({ svg }) => !svg.includes('NaN') && svg.startsWith('<svg')))
  const alone = reportOf(undefined, (key) => (key.startsWith('idle') ? quick(key) : undefined))
  assert.match(formatRows(alone), /left out: calls blocking: it failed/)
  assert.equal(channelPictures(alone, channelFigures(alone, ['idle'])).length, 1)
})
