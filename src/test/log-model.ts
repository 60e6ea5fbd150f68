/**
 * What a log was told, and what a recovery gives back: the model that log tests compare.
 *
 * The promise: the recovered state is that of a prefix of the batches in their order, whole batches only, and the
 * prefix includes everything that was acknowledged. `judge` says what is wrong, if anything.
 */
import { DamageError } from '../log/damage.js'
import type { RecordBatch } from '../log/record-batch.js'
import type { EntrySink } from '../log/snapshot-reader.js'

export type ModelRecord =
  | { readonly type: 'set'; readonly key: string; readonly value: string; readonly expiresAtMs: number }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'clear' }

export interface ModelBatch {
  /** Position of its last record. */
  readonly lastLsn: number
  readonly records: readonly ModelRecord[]
}

/** Value and expiry by key. */
export type State = Map<string, string>

export function applyRecord(state: State, record: ModelRecord): void {
  if (record.type === 'set') state.set(record.key, `${record.value}@${record.expiresAtMs}`)
  else if (record.type === 'delete') state.delete(record.key)
  else state.clear()
}

export function addToBatch(batch: RecordBatch, record: ModelRecord): void {
  if (record.type === 'set')
    batch.set(Buffer.from(record.key), Buffer.from(record.value), true, record.expiresAtMs)
  else if (record.type === 'delete') batch.delete(Buffer.from(record.key))
  else batch.clear()
}

/** A sink that keeps everything in a `Map`. */
export function stateSink(state: State): EntrySink {
  const set = (bytes: Buffer, start: number, keyEnd: number, valueEnd: number, expiresAtMs: number): void => {
    const value = bytes.toString('latin1', keyEnd, valueEnd)
    state.set(bytes.toString('latin1', start, keyEnd), `${value}@${expiresAtMs}`)
  }
  return {
    load: (bytes, start, keyEnd, valueEnd, _flags, expiresAtMs) =>
      set(bytes, start, keyEnd, valueEnd, expiresAtMs),
    set: (bytes, start, keyEnd, valueEnd, _flags, expiresAtMs) =>
      set(bytes, start, keyEnd, valueEnd, expiresAtMs),
    delete: (bytes, start, keyEnd) => state.delete(bytes.toString('latin1', start, keyEnd)),
    clear: () => state.clear(),
  }
}

/** What a recovery gave: a state and the position it stands for, or the refusal. */
export type Outcome = { readonly state: State; readonly lastLsn: number } | { readonly refusal: unknown }

/** Everything that was appended, and how much of it was acknowledged. */
export class LogModel {
  readonly batches: ModelBatch[] = []
  acknowledgedLsn = 0

  append(batch: ModelBatch): void {
    this.batches.push(batch)
  }

  /** The log has taken back what is above `lastLsn`. */
  takeBack(lastLsn: number): void {
    while ((this.batches.at(-1)?.lastLsn ?? 0) > lastLsn) this.batches.pop()
  }

  stateAt(lsn: number): State {
    const state: State = new Map()
    for (const { lastLsn, records } of this.batches)
      if (lastLsn <= lsn) for (const record of records) applyRecord(state, record)
    return state
  }

  /** What is wrong with the outcome; `mayRefuse`: there was damage, and a refusal with a position is right. */
  judge(outcome: Outcome, guaranteedLsn: number, mayRefuse = false): string | undefined {
    if ('refusal' in outcome) {
      if (mayRefuse && outcome.refusal instanceof DamageError) return undefined
      return `recovery refused: ${String(outcome.refusal)}`
    }
    const { state, lastLsn } = outcome
    if (lastLsn < guaranteedLsn) return `position ${lastLsn} recovered, but ${guaranteedLsn} was promised`
    const cut = this.batches.find(
      ({ lastLsn: last, records }) => last > lastLsn && last - records.length < lastLsn,
    )
    if (cut !== undefined) return `position ${lastLsn} is within the batch that ends at ${cut.lastLsn}`
    return differenceOf(state, this.stateAt(lastLsn), lastLsn)
  }
}

function differenceOf(found: State, expected: State, lsn: number): string | undefined {
  for (const [key, value] of expected)
    if (found.get(key) !== value) return `at ${lsn}: ${key} is ${found.get(key)}, not ${value}`
  for (const key of found.keys()) if (!expected.has(key)) return `at ${lsn}: ${key} should not be there`
  return undefined
}
