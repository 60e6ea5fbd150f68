/**
 * One participant of a schedule: holds a map of the instrumented copy and runs its program whenever the baton comes.
 * An assignment (a table, keys and a program) comes by message and is taken up when the baton is lent for it.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { SharedMap as PlainMap, SharedMapHandle } from '../index.js'
import { Baton } from './schedule-baton.js'
import { current } from './schedule-hooks.js'
import {
  formOf,
  Performer,
  type Recorded,
  RUN_CLOCK_MS,
  type ScheduledMap,
  type Step,
  type ValueForm,
} from './schedule-program.js'
import { type ReaderTree, ScheduledReader } from './schedule-reader.js'
import { Together, type TogetherTree } from './schedule-together.js'

export interface ScheduleWorkerData {
  readonly tree: string
  readonly baton: SharedArrayBuffer
  readonly me: number
  readonly port: MessagePort
}

export interface Assignment {
  readonly table: SharedMapHandle
  readonly values: ValueForm
  readonly keys: readonly string[]
  readonly steps: readonly Step[]
  readonly cold: boolean
  /** There are actions on all keys at once. */
  readonly together: boolean
  /** There are actions of read-only readers. */
  readonly glances: boolean
  /** Words of segment 0 that are records of participants: [from, to), and the words of one record. */
  readonly records: readonly [number, number, number]
}

export interface Report {
  readonly notes: readonly Recorded[]
  readonly error?: string
}

interface Tree {
  readonly SharedMap: typeof PlainMap
}
const LOCK_TIMEOUT_MS = 3_600_000

const { tree, baton: shared, me, port } = workerData as ScheduleWorkerData
const baton = new Baton(shared, me)
const { SharedMap } = (await import(`${tree}/map/shared-map.js`)) as Tree
const togetherTree = {
  ...(await import(`${tree}/table/table.js`)),
  ...(await import(`${tree}/table/several-keys.js`)),
  ...(await import(`${tree}/memory/shared-array-region.js`)),
} as TogetherTree
const readerTree = {
  ...(await import(`${tree}/table/read-only-table.js`)),
  ...(await import(`${tree}/memory/shared-array-region.js`)),
} as ReaderTree
let map: ScheduledMap | undefined
let together: Together | undefined
let performer: Performer | undefined
let steps: readonly Step[] = []

function leave(): void {
  together?.close()
  together = undefined
  map?.close()
}

function takeUp(assignment: Assignment): void {
  const { table, values, keys, records } = assignment
  leave()
  map = SharedMap.attach<string, unknown>(table, {
    clock: () => RUN_CLOCK_MS,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  })
  if (assignment.together) together = new Together(togetherTree, table, keys, LOCK_TIMEOUT_MS)
  // The views start 48 bytes into the buffer, but counts of words are those of the view.
  baton.ignore(new Int32Array(table.region.buffers[0] as SharedArrayBuffer), ...records)
  const reader = assignment.glances ? new ScheduledReader(readerTree, table) : undefined
  performer = new Performer(map, values, keys, me, () => baton.tick(), together, reader)
  steps = assignment.steps
  if (!assignment.cold) warmUp(map, values)
}

/** One chunk of each size that values have, taken and given back: the magazines are not empty any more. */
function warmUp(warmed: ScheduledMap, values: ValueForm): void {
  for (let value = 0; value < 4; value++) {
    warmed.set(`warm ${me}`, formOf(values).write(value))
    warmed.delete(`warm ${me}`)
  }
}

function play(): Report {
  if (performer === undefined) throw new Error('no assignment')
  performer.notes = []
  current.stepper = baton
  try {
    for (const step of steps) performer.perform(step)
    return { notes: performer.notes }
  } catch (error) {
    return { notes: performer.notes, error: error instanceof Error ? String(error.stack) : String(error) }
  } finally {
    current.stepper = undefined
  }
}

for (let dismissed = false; !dismissed; ) {
  baton.await()
  const received = receiveMessageOnPort(port) as { message: Assignment | 'leave' } | undefined
  if (received === undefined) {
    port.postMessage(play())
    baton.finish()
  } else {
    dismissed = received.message === 'leave'
    if (received.message === 'leave') leave()
    else takeUp(received.message)
    baton.giveBack()
  }
}
port.close()
