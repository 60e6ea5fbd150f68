/**
 * The contract of a contender of the table benchmark that is written in JavaScript.
 *
 * A contender is opened once a pass by the process's main thread; the other threads attach to it by the handle it
 * shares.
 */
import type { Entries } from './workload.js'

/** What is timed: synchronous, as `Map` has it. */
export interface BenchTable {
  get(key: string): string | undefined | null
  set(key: string, value: string): unknown
  delete(key: string): unknown
  /** Absent where a contender has no batch: then a loop of `get` takes its place. */
  getMany?(keys: string[]): readonly (string | undefined)[]
  /** Loads entries in the fastest way there is, untimed; absent where that is `set`. */
  load?(pieces: Iterable<Entries>): void
}

export interface OpenContender {
  readonly table: BenchTable
  /** What another thread needs to attach; undefined for a contender of one thread. */
  readonly handle: unknown
  /** Bytes the full table occupies, undefined where nobody can tell. */
  memoryBytes(): number | undefined
  close(): void
}

export interface Contender {
  /** The part of the operations it is timed with: less than 1 where all would take minutes. */
  readonly timedReads: number
  readonly timedWrites: number
  open(sizes: { readonly keys: number; readonly valueBytes: number }): OpenContender
  attach(handle: unknown): BenchTable
}
