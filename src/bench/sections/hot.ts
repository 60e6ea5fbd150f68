/**
 * The section `hot`: a table of 1 000 keys, read again and again, beside `Map`; and decoded values of 1 KB beside
 * `JSON.parse`. Key strings are fresh on each use; what the same string objects give is reported besides.
 */

import type { ContenderName } from '../contender-list.js'
import { atLeast, atMost, type Bound, type Figure } from '../figure.js'
import { type PassResults, planOf, runPasses } from '../passes.js'
import { reasonOf, type SectionRun } from '../section.js'
import { median, ratioOf } from '../statistics.js'
import type { StripedMapProgram } from '../striped-map.js'
import { workloadOf } from '../table.js'
import type { Operation } from '../workload.js'

const HOT_KEYS = 1000
const HOT_OPERATIONS = 1_000_000
/** For small runs. */
const OPERATIONS_A_KEY = 50
const DECODED_TURNS = 5
const CONTENDERS = ['hearth', 'hearth-cached', 'map'] as const

/** Child processes of the section. */
export function hotSteps(rounds: number): number {
  return CONTENDERS.length * rounds + 1
}

export async function runHot(run: SectionRun, stripedMap: StripedMapProgram): Promise<void> {
  const { keys, valueBytes, rounds, timeoutMs } = run.scale
  const operations: readonly Operation[] = ['hot-get', 'hot-get-same']
  const workload = workloadOf({
    keys: Math.min(HOT_KEYS, keys),
    valueBytes,
    hotKeys: Math.min(HOT_KEYS, keys),
    hotOperations: Math.min(HOT_OPERATIONS, keys * OPERATIONS_A_KEY),
    operations,
  })
  const results = await runPasses(planOf(CONTENDERS, [1]), workload, stripedMap, {
    rounds,
    passTimeoutMs: timeoutMs,
    onPass: (pass) => run.passDone(pass),
  })
  const add = (label: string, contender: ContenderName, operation: Operation, asked?: Bound): void =>
    run.add(timeByMap(results, label, contender, operation, asked))
  add('time of get by Map.get', 'hearth', 'hot-get', atMost(2))
  add('time of get with decodedCache by Map.get', 'hearth-cached', 'hot-get', atMost(1.6))
  add('time of get by Map.get, same string objects', 'hearth', 'hot-get-same')
  add('with decodedCache, same string objects', 'hearth-cached', 'hot-get-same')
  await runDecoded(run)
}

function timeByMap(
  results: PassResults,
  label: string,
  contender: ContenderName,
  operation: Operation,
  asked: Bound | undefined,
): Figure {
  const row = { section: 'hot', label, unit: 'times', ...(asked === undefined ? {} : { asked }) } as const
  const own = results.nsPerOperation({ contender, threads: 1 }, operation)
  const other = results.nsPerOperation({ contender: 'map', threads: 1 }, operation)
  if (own.length === 0) return { ...row, detail: results.reason({ contender, threads: 1 }) }
  if (other.length === 0) return { ...row, detail: results.reason({ contender: 'map', threads: 1 }) }
  const { value, range } = ratioOf(own, other)
  const detail = `${median(own).toFixed(0)} ns beside ${median(other).toFixed(0)}; rounds ${range.map((end) => end.toFixed(2)).join('-')}`
  return { ...row, measured: value, detail }
}

async function runDecoded(run: SectionRun): Promise<void> {
  const row = { label: 'get of 1 KB decoded by JSON.parse alone', unit: 'times', asked: atLeast(20) } as const
  const operations = Math.min(200_000, run.scale.keys)
  const request = { hotKeys: Math.min(HOT_KEYS, run.scale.keys), operations, turns: DECODED_TURNS }
  try {
    const { getNs, parseNs, jsonBytes } = await run.probe('decoded', 'decoded values', request)
    const { value, range } = ratioOf(parseNs, getNs)
    const detail = `${median(getNs).toFixed(0)} ns beside ${median(parseNs).toFixed(0)}, ${jsonBytes} B of JSON; turns ${range.map((end) => end.toFixed(1)).join('-')}`
    run.add({ ...row, section: 'hot', measured: value, detail })
  } catch (error) {
    run.skip('hot', [row], reasonOf(error))
  }
}
