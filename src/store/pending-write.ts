/**
 * One change that has been evaluated and not yet applied; see pending-writes.ts. Its key lies in its staged chunk, or,
 * where it has none, in words of its own.
 */
import type { Reference } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Room } from '../table/staged-slots.js'

/** Position of a write whose batch has none yet. */
export const UNSEALED = Number.POSITIVE_INFINITY

export class PendingWrite {
  /** Position of the last record of its batch. */
  lsn = UNSEALED
  /** An older pending write of another key with the same hash; both are the newest of their keys. */
  next: PendingWrite | undefined = undefined
  /** The version of its entry, from when it is applied. */
  stamp = 0
  /** What a delete counts as. */
  counter = 0
  /** How many clears came before it: what came before the last one no longer counts. */
  era = 0
  readonly isClear: boolean
  readonly hash: number
  /** The staged chunk; 0: a delete, or a clear. */
  readonly reference: Reference
  readonly keyWords: Int32Array
  readonly keyAt: number
  readonly keyBytes: number
  /** What was reserved for its slot; `undefined`: its key has one. */
  readonly room: Room | undefined
  /** By how much it changes the number of entries. */
  readonly delta: number

  /** `key` undefined: a clear. */
  constructor(
    key: KeyBuffer | undefined,
    keyWords: Int32Array,
    keyAt: number,
    reference: Reference,
    room: Room | undefined,
    delta: number,
  ) {
    this.isClear = key === undefined
    this.hash = key === undefined ? 0 : key.hash
    this.keyBytes = key === undefined ? 0 : key.byteLength
    this.keyWords = keyWords
    this.keyAt = keyAt
    this.reference = reference
    this.room = room
    this.delta = delta
  }

  isOf(key: KeyBuffer): boolean {
    if (this.keyBytes !== key.byteLength) return false
    const length = ((this.keyBytes + 7) >>> 3) << 1
    for (let i = 0; i < length; i++) if (this.keyWords[this.keyAt + i] !== key.words[i]) return false
    return true
  }
}
