/**
 * One key of a transaction, in private memory: what was seen of it, what is to become of it, and, while the stripes
 * are locked, where its slot is. Belongs to {@link SeveralKeys}, which uses it again for the next transaction.
 */
import type { Reference } from '../memory/region.js'
import { KeyBuffer } from './key-buffer.js'

/** What a transaction does to a key. */
export const INTENT = { NONE: 0, PUT: 1, REMOVE: 2 } as const

const KEY_BYTES = 64
const NOTHING = new Uint8Array(0)

export class TouchedKey {
  readonly key: KeyBuffer
  stripeAt = 0
  /** Another key of the same hash. */
  sameHash: TouchedKey | undefined

  /** Whether the transaction depends on what it has seen of the key, and what that was: its stamp, 0 if absent. */
  isSeen = false
  stamp = 0
  expiresAtMs = Number.POSITIVE_INFINITY
  /** Where the entry was, 0 if unknown. */
  seenSegment = 0
  seenAt = 0
  /** The last stamp of the stripe before the look, for those that were absent. */
  stripeStamp = 0

  intent: number = INTENT.NONE
  /** The value to be put, borrowed until the transaction is over, and when it expires. */
  value: Uint8Array = NOTHING
  putExpiresAtMs = Number.POSITIVE_INFINITY
  /** The chunk that holds it, 0 until there is one. */
  chunk: Reference = 0
  /** The chunk was filled by the caller, who keeps it if the transaction fails. */
  isStaged = false
  /** The stamp that a staged chunk is to be published under. */
  promisedStamp = 0

  /** Under the stripe's lock: the slot, the chunk that is in it (0: none), and whether the slot was taken just now. */
  slotWords: Int32Array
  slotAt = 0
  old: Reference = 0
  isPlaced = false

  constructor(hashKey0: number, hashKey1: number, words: Int32Array) {
    this.key = new KeyBuffer(hashKey0, hashKey1, KEY_BYTES)
    this.slotWords = words
  }

  /** Forgets everything but the key. */
  reset(): void {
    this.sameHash = undefined
    this.isSeen = false
    this.stamp = 0
    this.seenAt = 0
    this.intent = INTENT.NONE
    this.value = NOTHING
    this.chunk = 0
    this.isStaged = false
    this.old = 0
    this.isPlaced = false
  }

  isKey(other: KeyBuffer): boolean {
    const { key } = this
    if (key.byteLength !== other.byteLength) return false
    for (let i = (key.byteLength + 3) >>> 2; i-- > 0; ) if (key.words[i] !== other.words[i]) return false
    return true
  }
}
