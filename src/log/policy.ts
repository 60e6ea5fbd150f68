/**
 * What a durability level does with a gathered group, and up to where it may be released afterwards.
 *
 * | level | released once | lost when the machine loses power |
 * |---|---|---|
 * | `always` | it is on disk | nothing |
 * | `interval` | the kernel has it | at most the last `intervalMs`: a group that finds older unsynced ones waits for the sync |
 * | `os` | the kernel has it | whatever the kernel had not written; a segment is synced when it is full, and at the end |
 *
 * A killed process loses nothing that was released at any level. Time is a parameter: a clock that never goes back.
 */
import type { LogWriter } from './writer.js'

export type LogDurability = 'always' | 'interval' | 'os'

export const DEFAULT_INTERVAL_MS = 1000

export class SyncPolicy {
  readonly #durability: LogDurability
  readonly #intervalMs: number
  /** When the oldest unsynced group was written; Infinity: there is none. */
  #oldestUnsyncedMs = Infinity

  constructor(durability: LogDurability, intervalMs = DEFAULT_INTERVAL_MS) {
    this.#durability = durability
    this.#intervalMs = intervalMs
  }

  /**
   * Ends a group: writes it, syncs as the level asks, and returns the position up to which everything may be
   * released. Throws what `LogWriter` throws.
   */
  commit(writer: LogWriter, nowMs: number): number {
    if (this.#durability === 'always') return writer.sync()
    writer.write()
    if (writer.synced === writer.written) this.#oldestUnsyncedMs = Infinity
    else if (this.#oldestUnsyncedMs === Infinity) this.#oldestUnsyncedMs = nowMs
    if (this.dueInMs(nowMs) <= 0) this.#sync(writer)
    return writer.written
  }

  /** How long the writer may sleep before it must call {@link commit} again, with or without a group. */
  dueInMs(nowMs: number): number {
    if (this.#durability !== 'interval') return Infinity
    return this.#oldestUnsyncedMs + this.#intervalMs - nowMs
  }

  #sync(writer: LogWriter): void {
    writer.sync()
    this.#oldestUnsyncedMs = Infinity
  }
}
