/**
 * Durable sets by how many are in flight, everybody on the same disk in turns: rounds of all subjects, so that a slow
 * minute of the disk is everybody's. A subject that this machine does not have is left out with the reason.
 */
import { atLeast, atMost } from './figure.js'
import { blockingSubject, clientSubject, nodeRespSubject } from './log-fronts.js'
import { bareLogSubject, bareSyncSubject, lmdbSubject, redisSubject } from './log-peers.js'
import type { LogRun, LogSection } from './log-section.js'
import { type DurableResult, type DurableSubject, measureDurable } from './log-subject.js'
import { reasonOf } from './section.js'
import { median } from './statistics.js'

const clientAlways = clientSubject('always')
const clientInterval = clientSubject('interval')
const clientOff = clientSubject('off')
const blockingAlways = blockingSubject('always')

export const DURABLE_SUBJECTS: readonly DurableSubject[] = [
  bareSyncSubject,
  bareLogSubject,
  blockingAlways,
  clientAlways,
  nodeRespSubject('always'),
  redisSubject('always'),
  lmdbSubject,
  clientInterval,
  nodeRespSubject('interval'),
  redisSubject('everysec'),
  clientOff,
  nodeRespSubject('off'),
]

export const IN_FLIGHT = [1, 8, 64, 512] as const
const MOST = 512

/** Sets a second of a busy window that are asked for, and a part of what there is without a log. */
const LEAST_DURABLE = 100_000
const LEAST_INTERVAL_SHARE = 0.6
/** Of one in flight: so many times what the bare disk takes, and this on top. */
const MOST_BARE_TIMES = 1.5
const MOST_EXTRA_US = 100

/** Medians over the rounds. */
interface Measured {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

type AllMeasured = Map<string, Measured>

export const durableSection: LogSection = {
  name: 'durable',
  steps: ({ rounds }) => {
    const passes = IN_FLIGHT.map((inFlight) => subjectsOf(inFlight).length)
    return rounds * passes.reduce((sum, count) => sum + count)
  },
  run: async (bench) => {
    const all: AllMeasured = new Map()
    for (const inFlight of IN_FLIGHT) await measureAll(bench, inFlight, all)
    compare(bench, all)
  },
}

function subjectsOf(inFlight: number): DurableSubject[] {
  return DURABLE_SUBJECTS.filter(({ mostInFlight = MOST }) => inFlight <= mostInFlight)
}

const nameOf = (subject: DurableSubject, inFlight: number): string => `${subject.name}: ${inFlight} in flight`

async function measureAll(bench: LogRun, inFlight: number, all: AllMeasured): Promise<void> {
  const { rounds, durableMs } = bench.scale
  const subjects = subjectsOf(inFlight)
  const results = new Map<DurableSubject, DurableResult[]>()
  const failures = new Map<DurableSubject, string>()
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) {
      const label = `${subject.name}, ${inFlight} in flight, round ${round}`
      try {
        const result = await bench.step(label, () =>
          bench.withFolder((folder) => measureDurable(subject, folder, inFlight, durableMs)),
        )
        results.set(subject, [...(results.get(subject) ?? []), result])
      } catch (error) {
        failures.set(subject, reasonOf(error))
      }
    }
  }
  for (const subject of subjects) {
    const label = nameOf(subject, inFlight)
    const found = results.get(subject)
    if (found === undefined) {
      bench.add({ section: 'durable', label, unit: '/s', detail: failures.get(subject) ?? 'not measured' })
      continue
    }
    const measured = mediansOf(found)
    all.set(label, measured)
    const isAsked = subject === clientAlways && inFlight === MOST
    bench.add({
      section: 'durable',
      label,
      unit: '/s',
      ...(isAsked ? { asked: atLeast(LEAST_DURABLE) } : {}),
      measured: measured.perSecond,
      detail: `p50 ${measured.p50Us.toFixed(0)} µs, p99 ${measured.p99Us.toFixed(0)} µs`,
    })
  }
}

function mediansOf(found: readonly DurableResult[]): Measured {
  const us = (fraction: number): number => median(found.map(({ times }) => times.quantileNs(fraction))) / 1000
  return {
    perSecond: median(found.map(({ sets, seconds }) => sets / seconds)),
    p50Us: us(0.5),
    p99Us: us(0.99),
  }
}

/** What is asked of one subject beside another. */
function compare(bench: LogRun, all: AllMeasured): void {
  const interval = all.get(nameOf(clientInterval, MOST))
  const off = all.get(nameOf(clientOff, MOST))
  if (interval !== undefined && off !== undefined)
    bench.add({
      section: 'durable',
      label: 'level interval by off, Client, 512 in flight',
      unit: 'times',
      asked: atLeast(LEAST_INTERVAL_SHARE),
      measured: interval.perSecond / off.perSecond,
      detail: `${interval.perSecond.toFixed(0)} /s beside ${off.perSecond.toFixed(0)}`,
    })
  const bare = all.get(nameOf(bareSyncSubject, 1))
  const one = all.get(nameOf(blockingAlways, 1))
  if (bare !== undefined && one !== undefined)
    bench.add({
      section: 'durable',
      label: 'p50 of a blocking set, one in flight',
      unit: 'µs',
      asked: atMost(bare.p50Us * MOST_BARE_TIMES + MOST_EXTRA_US),
      measured: one.p50Us,
      detail: `the bare write and fdatasync: ${bare.p50Us.toFixed(0)} µs`,
    })
}
