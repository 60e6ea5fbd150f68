/**
 * Several keys at once: a transaction that has seen some keys and changes some, all of it at one moment or not at all.
 * For tables of one server: what a thread holds here is in its private memory, so its death ends the node
 * (docs/decisions/0006-death-inside-several-keys.md).
 *
 *   several.begin()
 *   const touched = several.touch(key)        // one record a key, however often it is named
 *   if (several.see(touched)) ...             // table.reader has bytes, expiresAtMs; remembered: the commit depends on it
 *   several.put(touched, bytes, expiresAtMs)  // or remove(touched), or clear(); bytes are borrowed until the end
 *   several.commit()                          // false: what was seen has changed; begin again. Throws FULL, TIMEOUT
 *
 * A transaction that has seen nothing commits at its first try: so a sequenced writer applies one. Whoever wants several
 * keys of one moment and changes none looks twice (`stillHolds`): a hit holds from the first look to the second by its
 * stamp; a miss if it is a miss again and the stripe has given out no stamp meanwhile. Then all of it was true at the moment
 * between the two. How a change becomes visible, all of it at once, is in several-commit.ts.
 *
 * One thread's own, one transaction at a time; nothing here calls user code.
 */
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { HEADER } from '../memory/header.js'
import type { Reference } from '../memory/region.js'
import { STRIPE } from './layout.js'
import { READ_BYTES, READ_NOTHING } from './reader.js'
import { SeveralCommit } from './several-commit.js'
import type { Table } from './table.js'
import { INTENT, TouchedKey } from './touched-key.js'
import { NO_EXPIRY } from './writer.js'

/** Records kept for the next transaction, and the longest key's buffer that is kept with one. */
const MAX_KEPT_RECORDS = 1024
const MAX_KEPT_KEY_BYTES = 1024
/** Reads of several keys that others may spoil before their stripes are locked. */
const MAX_READ_TRIES = 16

export class SeveralKeys {
  readonly #table: Table
  readonly #words: Int32Array
  readonly #commit: SeveralCommit
  readonly #records: TouchedKey[] = []
  #count = 0
  readonly #byHash = new Map<number, TouchedKey>()
  #isChanging = false
  #isClearing = false

  constructor(table: Table) {
    this.#table = table
    this.#words = table.space.words
    this.#commit = new SeveralCommit(table)
  }

  /** Whether the transaction empties the table first: what it has not put since is absent. */
  get isClearing(): boolean {
    return this.#isClearing
  }

  /** The keys touched since `begin`. */
  touched(): readonly TouchedKey[] {
    return this.#records.slice(0, this.#count)
  }

  /** Starts a transaction; one that was not committed is forgotten. */
  begin(): void {
    this.end()
  }

  /** Lets go of what the transaction has borrowed. */
  end(): void {
    const records = this.#records
    for (let i = Math.min(this.#count, records.length); i-- > 0; ) records[i]!.reset()
    if (records.length > MAX_KEPT_RECORDS) records.length = MAX_KEPT_RECORDS
    this.#count = 0
    this.#byHash.clear()
    this.#isChanging = false
    this.#isClearing = false
  }

  /** The record of `key`. Throws RangeError if the key is too long. */
  touch(key: Uint8Array): TouchedKey {
    const fresh = this.#freshRecord()
    fresh.key.setBytes(key)
    const { hash } = fresh.key
    const first = this.#byHash.get(hash)
    for (let known = first; known !== undefined; known = known.sameHash) {
      if (known.isKey(fresh.key)) return known
    }
    fresh.sameHash = first
    fresh.stripeAt = this.#table.writer.chain.buckets.stripeAt(hash)
    this.#byHash.set(hash, fresh)
    this.#count++
    return fresh
  }

  #freshRecord(): TouchedKey {
    const kept = this.#records[this.#count]
    if (kept !== undefined && kept.key.buffer.length <= MAX_KEPT_KEY_BYTES) return kept
    const words = this.#words
    const made = new TouchedKey(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!, words)
    this.#records[this.#count] = made
    return made
  }

  /**
   * Looks the key up in the table, whatever the transaction means to do with it; what was read is in the table's reader.
   * The transaction depends on what is seen first.
   */
  see(touched: TouchedKey, what: number = READ_BYTES): boolean {
    const { reader } = this.#table
    const stripeStamp = Atomics.load(this.#words, touched.stripeAt + STRIPE.stamps)
    const found = this.#table.findKey(touched.key, what)
    if (!touched.isSeen) {
      touched.isSeen = true
      touched.stripeStamp = stripeStamp
      touched.stamp = found ? reader.stamp : 0
      touched.expiresAtMs = reader.expiresAtMs
      touched.seenSegment = reader.slotSegment
      touched.seenAt = found ? reader.slotAt : 0
    }
    return found
  }

  /** Makes the transaction depend on a version seen earlier (0: the key was absent); false if it is gone already. */
  expect(touched: TouchedKey, stamp: number): boolean {
    this.see(touched, READ_NOTHING)
    return touched.stamp === stamp
  }

  /** Throws RangeError if the value is too long. */
  put(touched: TouchedKey, value: Uint8Array, expiresAtMs: number): void {
    if (value.length > MAX_VALUE_BYTES) {
      throw new RangeError(
        `the value takes ${value.length} bytes; a value may take at most ${MAX_VALUE_BYTES}`,
      )
    }
    touched.intent = INTENT.PUT
    touched.value = value
    touched.putExpiresAtMs = expiresAtMs
    touched.chunk = 0
    touched.isStaged = false
    this.#isChanging = true
  }

  /**
   * Puts a chunk that the caller has filled, and brought the lines for: it is the table's once `commit` returns true.
   * `stamp` is what it was promised; keys of one stripe are touched in the order of theirs.
   */
  putChunk(touched: TouchedKey, chunk: Reference, stamp: number): void {
    touched.intent = INTENT.PUT
    touched.chunk = chunk
    touched.promisedStamp = stamp
    touched.isStaged = true
    this.#isChanging = true
  }

  remove(touched: TouchedKey): void {
    touched.intent = INTENT.REMOVE
    this.#isChanging = true
  }

  /** Empties the table, and forgets what was to be put so far. */
  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#records[i]!.intent = INTENT.NONE
    this.#isChanging = true
    this.#isClearing = true
  }

  /** Makes all changes at one moment, at which everything seen was still so; false, and nothing has changed, if not. */
  commit(): boolean {
    if (!this.#isChanging && this.stillHolds()) return true
    const order = this.#records.slice(0, this.#count)
    order.sort((a, b) => a.stripeAt - b.stripeAt)
    return this.#commit.run(order, this.#isClearing)
  }

  /** Whether everything seen was true at one moment just now. "No" is said too often where a stripe is busy. */
  stillHolds(): boolean {
    for (let i = 0; i < this.#count; i++) {
      const touched = this.#records[i]!
      if (touched.isSeen && !(touched.stamp === 0 ? this.#isAbsent(touched) : this.#isUnchanged(touched)))
        return false
    }
    return true
  }

  #isUnchanged({ stamp, seenAt, seenSegment, expiresAtMs, key }: TouchedKey): boolean {
    const { space, reader, clock } = this.#table
    if (expiresAtMs !== NO_EXPIRY && clock.hasPassed(expiresAtMs)) return false
    if (Atomics.load(space.region.segments[seenSegment]!.words, seenAt + 2) === stamp) return true
    // It may have moved.
    return reader.read(key, READ_NOTHING) && reader.stamp === stamp
  }

  #isAbsent({ key, stripeAt, stripeStamp }: TouchedKey): boolean {
    if (this.#table.reader.read(key, READ_NOTHING)) return false
    return Atomics.load(this.#words, stripeAt + STRIPE.stamps) === stripeStamp
  }

  /**
   * Reads keys as they were at one moment: `start` is called before each try, `each` with every value in order (undefined:
   * absent; valid until it returns). After tries that others have spoilt, with the stripes locked.
   */
  readMany(
    keys: readonly Uint8Array[],
    start: () => void,
    each: (value: Uint8Array | undefined) => void,
  ): void {
    const { reader } = this.#table
    for (let tries = 0; tries < MAX_READ_TRIES; tries++) {
      this.begin()
      start()
      for (const key of keys) each(this.see(this.touch(key)) ? reader.bytes : undefined)
      // One key alone is of one moment.
      if (keys.length === 1 || this.stillHolds()) return
    }
    const order = this.touched().toSorted((a, b) => a.stripeAt - b.stripeAt)
    const values = this.#commit.locked(order, () =>
      keys.map((key) =>
        reader.read(this.touch(key).key, READ_BYTES) ? Buffer.from(reader.bytes) : undefined,
      ),
    )
    start()
    for (const value of values) each(value)
  }
}
