/**
 * One change that has been evaluated and not yet applied; see pending-writes.ts. Its key lies in its staged chunk, or,
 * where it has none, in words of its own.
 *
 * One object serves for many changes, one after the other (pending-queue.ts): a new one each would be most of what the
 * writer's collector has to do.
 */
import type { Reference } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Room } from '../table/staged-slots.js'

/** Position of a write whose batch has none yet. */
export const UNSEALED = Number.POSITIVE_INFINITY

const NO_WORDS = new Int32Array(0)

export class PendingWrite {
  /** Position of the last record of its batch. */
  lsn = UNSEALED
  /** An older pending write of another key in the same bucket of the index; both are the newest of their keys. */
  next: PendingWrite | undefined = undefined
  /** The version of its entry, from when it is applied. */
  stamp = 0
  /** What a delete counts as. */
  counter = 0
  /** How many clears came before it: what came before the last one no longer counts. */
  era = 0
  isClear = false
  hash = 0
  /** The staged chunk; 0: a delete, or a clear. */
  reference: Reference = 0
  keyWords: Int32Array = NO_WORDS
  keyAt = 0
  keyBytes = 0
  /** What was reserved for its slot; `undefined`: its key has one. */
  room: Room | undefined = undefined
  /** By how much it changes the number of entries. */
  delta = 0

  /** Becomes a set of `key`, which lies in the chunk at word `keyAt` of `keyWords`. */
  beSet(
    key: KeyBuffer,
    keyWords: Int32Array,
    keyAt: number,
    reference: Reference,
    room: Room | undefined,
    stamp: number,
  ): void {
    this.#beNew(key.hash, key.byteLength, room === undefined ? 0 : 1)
    this.stamp = stamp
    this.reference = reference
    this.keyWords = keyWords
    this.keyAt = keyAt
    this.room = room
  }

  beDelete(key: KeyBuffer, counter: number): void {
    this.#beNew(key.hash, key.byteLength, -1)
    this.keyWords = key.words.slice(0, ((key.byteLength + 7) >>> 3) << 1)
    this.counter = counter
  }

  beClear(): void {
    this.#beNew(0, 0, 0)
    this.keyWords = NO_WORDS
    this.isClear = true
  }

  isOf(key: KeyBuffer): boolean {
    if (this.hash !== key.hash || this.keyBytes !== key.byteLength) return false
    const length = ((this.keyBytes + 7) >>> 3) << 1
    for (let i = 0; i < length; i++) if (this.keyWords[this.keyAt + i] !== key.words[i]) return false
    return true
  }

  #beNew(hash: number, keyBytes: number, delta: number): void {
    this.lsn = UNSEALED
    this.next = undefined
    this.stamp = 0
    this.counter = 0
    this.isClear = false
    this.hash = hash
    this.reference = 0
    this.keyAt = 0
    this.keyBytes = keyBytes
    this.room = undefined
    this.delta = delta
  }
}
