/** The sections `get` and `set`: one set of passes over the large table, and the ratios that were asked for. */
import { atLeast, type Bound, type Figure, type Section } from '../figure.js'
import { type PassResults, type PlannedPass, rateText, runPasses } from '../passes.js'
import type { SectionRun } from '../section.js'
import { median, ratioOf } from '../statistics.js'
import type { StripedMapProgram } from '../striped-map.js'
import { type Comparison, comparisonOf, workloadOf } from '../table.js'
import { OPERATION_NAMES, type Operation } from '../workload.js'

interface Row {
  readonly section: Section
  readonly label: string
  readonly asked: Bound
  readonly own: PlannedPass
  readonly operation: Operation
  readonly other: PlannedPass
  readonly otherOperation: Operation
}

const HEARTH: PlannedPass = { contender: 'hearth', threads: 1 }
const HEARTH_TWICE: PlannedPass = { contender: 'hearth', threads: 2 }
const CPP: PlannedPass = { contender: 'cpp', threads: 1 }
const LMDB: PlannedPass = { contender: 'lmdb', threads: 1 }

/** One round. Those that are compared most follow each other. */
export const THROUGHPUT_PLAN: readonly PlannedPass[] = [HEARTH, CPP, HEARTH_TWICE, LMDB]

function row(
  section: Section,
  label: string,
  asked: Bound,
  [own, operation]: readonly [PlannedPass, Operation],
  [other, otherOperation]: readonly [PlannedPass, Operation],
): Row {
  return { section, label, asked, own, operation, other, otherOperation }
}

const ROWS: readonly Row[] = [
  row('get', 'get by the C++ map', atLeast(1.3), [HEARTH, 'get'], [CPP, 'get']),
  row('get', 'get by lmdb', atLeast(3), [HEARTH, 'get'], [LMDB, 'get']),
  row('get', 'getMany of 64 by the get of the C++ map', atLeast(2), [HEARTH, 'get-many'], [CPP, 'get']),
  row('get', 'get of 2 threads by 1', atLeast(1.85), [HEARTH_TWICE, 'get'], [HEARTH, 'get']),
  row('set', 'set (replace) by the C++ map', atLeast(1), [HEARTH, 'set-update'], [CPP, 'set-update']),
  row('set', 'set (replace) by putSync of lmdb', atLeast(8), [HEARTH, 'set-update'], [LMDB, 'set-update']),
  row(
    'set',
    'set (replace) of 2 threads by 1',
    atLeast(1.7),
    [HEARTH_TWICE, 'set-update'],
    [HEARTH, 'set-update'],
  ),
]

const OPERATIONS_OF: { readonly [section in Section]?: readonly Operation[] } = {
  get: ['get', 'get-many'],
  set: ['set-update'],
}

/** Measures `sections`, any of `get` and `set`; the passes are compared in full besides. */
export async function runThroughput(
  run: SectionRun,
  sections: readonly Section[],
  stripedMap: StripedMapProgram,
): Promise<Comparison> {
  const { keys, valueBytes, rounds, timeoutMs } = run.scale
  const wanted = new Set(sections.flatMap((section) => OPERATIONS_OF[section] ?? []))
  const operations = OPERATION_NAMES.filter((operation) => wanted.has(operation))
  const workload = workloadOf({ keys, valueBytes, operations })
  const results = await runPasses(THROUGHPUT_PLAN, workload, stripedMap, {
    rounds,
    passTimeoutMs: timeoutMs,
    onPass: (pass) => run.passDone(pass),
  })
  for (const row of ROWS) if (sections.includes(row.section)) run.add(figureOf(row, results))
  return comparisonOf(results, workload, rounds, ['hearth', 'lmdb', 'cpp'], [1, 2])
}

/** Throughput by throughput: the inverse of the durations. */
function figureOf(row: Row, results: PassResults): Figure {
  const { section, label, asked } = row
  const own = results.nsPerOperation(row.own, row.operation)
  const other = results.nsPerOperation(row.other, row.otherOperation)
  const missing = own.length === 0 ? row.own : other.length === 0 ? row.other : undefined
  if (missing !== undefined) {
    const detail = `${missing.contender} was left out: ${results.reason(missing)}`
    return { section, label, unit: 'times', asked, detail }
  }
  const { value, range } = ratioOf(other, own)
  const detail = `${rate(own)} M/s beside ${rate(other)}; rounds ${range.map((end) => end.toFixed(2)).join('-')}`
  return { section, label, unit: 'times', asked, measured: value, detail }
}

function rate(nsPerOperation: readonly number[]): string {
  return rateText(median(nsPerOperation))
}
