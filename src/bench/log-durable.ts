/**
 * Durable sets by how many are in flight, everybody on the same disk in turns: rounds of all subjects, so that a slow
 * minute of the disk is everybody's. A subject that this machine does not have is left out with the reason.
 */
import { bareLogSubject, lmdbSubject, redisSubject } from './log-peers.js'
import type { LogRun, LogSection } from './log-section.js'
import { type DurableResult, type DurableSubject, measureDurable } from './log-subject.js'
import { reasonOf } from './section.js'
import { median } from './statistics.js'

export const DURABLE_SUBJECTS: readonly DurableSubject[] = [
  bareLogSubject,
  redisSubject('always'),
  redisSubject('everysec'),
  lmdbSubject,
]

export const IN_FLIGHT = [1, 8, 64, 512] as const

export const durableSection: LogSection = {
  name: 'durable',
  steps: ({ rounds }) => IN_FLIGHT.length * DURABLE_SUBJECTS.length * rounds,
  run: async (bench) => {
    for (const inFlight of IN_FLIGHT) await measureAll(bench, inFlight)
  },
}

async function measureAll(bench: LogRun, inFlight: number): Promise<void> {
  const { rounds, durableMs } = bench.scale
  const results = new Map<DurableSubject, DurableResult[]>()
  const failures = new Map<DurableSubject, string>()
  for (let round = 1; round <= rounds; round++) {
    for (const subject of DURABLE_SUBJECTS) {
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
  for (const subject of DURABLE_SUBJECTS) {
    const label = `${subject.name}: ${inFlight} in flight`
    const found = results.get(subject)
    if (found === undefined) {
      bench.add({ section: 'durable', label, unit: '/s', detail: failures.get(subject) ?? 'not measured' })
      continue
    }
    const us = (fraction: number): string =>
      (median(found.map(({ times }) => times.quantileNs(fraction))) / 1000).toFixed(0)
    bench.add({
      section: 'durable',
      label,
      unit: '/s',
      measured: median(found.map(({ sets, seconds }) => sets / seconds)),
      detail: `p50 ${us(0.5)} µs, p99 ${us(0.99)} µs`,
    })
  }
}
