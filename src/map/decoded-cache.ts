/**
 * Decoded values that one thread keeps, each with the slot it was read from and the stamp it had there.
 *
 * Every change of an entry, by whatever thread, gives its slot another stamp or none, and no stripe gives out a stamp
 * twice; a split takes the stamp off the slot that an entry leaves. So one load of the stamp tells whether what is
 * remembered still holds: a hit is as fresh as any other read, and nobody has to tell this thread of a write. Stamps are
 * 32 bits wide: the region counts how often a stripe has begun anew, and what was remembered before no longer holds. A
 * slot's memory never holds anything but slots (see memory/lines.ts), so that looking there is always harmless.
 *
 * Values are shared by all who ask for the key in this thread, and therefore frozen, all the way down. What cannot be
 * frozen is not kept. Keys must be strings, bigints or numbers, and their codec must write equal keys equally.
 *
 * Bounded by two generations: what is used moves to the young one, and when that has taken half of the bytes, it
 * becomes the old one and the old one goes. So a hit changes no list, and what is written over or deleted goes by itself.
 * Not for values that nobody reads twice: each is then frozen and kept for nothing.
 */
import { EVICTION, HEADER, REGION_STATE } from '../memory/header.js'
import { CLOCK_BIT as IMPORTED_CLOCK_BIT, SLOT } from '../table/layout.js'
import type { ReadableTable } from '../table/readable-table.js'
import type { ExpiryClock } from '../table/view.js'
import type { MapAccess } from './access.js'
import { freezeIfPlain } from './freeze.js'

// Local copies: an imported constant is loaded and checked at every use.
const READY = REGION_STATE.READY
const CLOCK_BIT = IMPORTED_CLOCK_BIT
const STAMP = SLOT.stamp
const NO_EXPIRY = Number.POSITIVE_INFINITY
const { state: STATE, stampWraps: STAMP_WRAPS } = HEADER

/** What keeping one value takes beside its own bytes and its key: the record, and its place in a Map. */
const OVERHEAD_BYTES = 200

interface Remembered<V> {
  readonly value: V
  /** The words that the slot is in, and the index of its stamp there. */
  readonly words: Int32Array
  readonly stampAt: number
  readonly stamp: number
  readonly stampWraps: number
  readonly expiresAtMs: number
  readonly bytes: number
}

export class DecodedCache<K, V> {
  readonly #access: MapAccess<K, V>
  readonly #table: ReadableTable
  readonly #clock: ExpiryClock
  readonly #header: Int32Array
  readonly #evicts: boolean
  readonly #generationBytes: number
  #young = new Map<K, Remembered<V>>()
  #old = new Map<K, Remembered<V>>()
  #youngBytes = 0

  /** Keeps at most `limitBytes` of values, counted by what they take encoded. */
  constructor(access: MapAccess<K, V>, limitBytes: number) {
    this.#access = access
    const { view, clock } = access.table
    this.#table = access.table
    this.#clock = clock
    this.#header = view.words
    this.#evicts = view.isWritable && view.facts.eviction === EVICTION.CLOCK
    this.#generationBytes = Math.floor(limitBytes / 2)
  }

  /** The value of `key`: the one that is remembered, or one that is read and remembered now. */
  get(key: K): V | undefined {
    const remembered = this.#young.get(key)
    if (remembered === undefined) return this.#getOld(key)
    return this.#holds(remembered) ? remembered.value : this.#read(key)
  }

  /** The stamp first: where it is one that came after a wrap, the wrap is seen too. */
  #holds({ words, stampAt, stamp, stampWraps, expiresAtMs }: Remembered<V>): boolean {
    const header = this.#header
    if (Atomics.load(words, stampAt) !== stamp) return false
    if (header[STAMP_WRAPS] !== stampWraps || header[STATE] !== READY) return false
    if (expiresAtMs !== NO_EXPIRY && this.#clock.hasPassed(expiresAtMs)) return false
    // Eviction must see that the entry is in use.
    if (this.#evicts && words[stampAt - STAMP]! >= 0) Atomics.or(words, stampAt - STAMP, CLOCK_BIT)
    this.#table.noteHits(1)
    return true
  }

  #getOld(key: K): V | undefined {
    const remembered = this.#old.get(key)
    if (remembered === undefined || !this.#holds(remembered)) return this.#read(key)
    this.#keep(key, remembered)
    return remembered.value
  }

  #read(key: K): V | undefined {
    const { values } = this.#access
    const stampWraps = Atomics.load(this.#header, STAMP_WRAPS)
    const table = this.#access.seek(key)
    const { reader } = table
    if (!table.find(values.reads)) {
      this.#forget(key)
      return undefined
    }
    // All before decoding, which may use the reader again.
    const { stamp, expiresAtMs, slotSegment, slotAt } = reader
    const byteLength = reader.text?.length ?? reader.byteLength
    const value = values.decode(reader)
    const bytes = OVERHEAD_BYTES + byteLength + (typeof key === 'string' ? key.length : 0)
    if (!isKeptKey(key) || bytes > this.#generationBytes || !freezeIfPlain(value)) {
      this.#forget(key)
      return value
    }
    const { words } = table.view.region.segments[slotSegment]!
    this.#keep(key, { value, words, stampAt: slotAt + STAMP, stamp, stampWraps, expiresAtMs, bytes })
    return value
  }

  #keep(key: K, remembered: Remembered<V>): void {
    // Counted before it is there, and until it is gone: an operation may be thrown out at any call.
    this.#youngBytes += remembered.bytes
    if (this.#youngBytes > this.#generationBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = remembered.bytes
    }
    const before = this.#young.get(key)
    this.#young.set(key, remembered)
    if (before !== undefined) this.#youngBytes -= before.bytes
  }

  #forget(key: K): void {
    const before = this.#young.get(key)
    if (before !== undefined && this.#young.delete(key)) this.#youngBytes -= before.bytes
  }
}

/** Whether a Map tells such keys apart as their bytes do: -0 and 0, and NaNs, it does not. */
function isKeptKey(key: unknown): boolean {
  if (typeof key === 'number') return key !== 0 && !Number.isNaN(key)
  return typeof key === 'string' || typeof key === 'bigint'
}
