/**
 * One bucket's chain as it was at one moment, in the order of insertion.
 *
 * An entry's stamp is given under its stripe's lock when it is inserted and never changes (nothing is ever replaced
 * here), so the stamps of a stripe are the order in which inserts happened. Their counter wraps after 2^32 inserts into
 * the stripe: entries are ordered by age, counted back from the counter.
 *
 * A look takes no lock. If the stripe's version, counter of stamps and number of entries are the same before and after
 * it, no insert, delete or move fell in between, since each changes one of them. After a few looks in vain the stripe's
 * lock is taken for one. A look costs the bucket's own entries and those of a line or two beside them.
 */
import { assert } from '../base/assert.js'
import { STRIPE } from '../table/layout.js'
import { POSITIONS } from '../table/positions.js'
import { READ_NOTHING } from '../table/reader.js'
import type { Table } from '../table/table.js'
import type { WalkedEntry } from '../table/walker.js'
import type { BucketPlan } from './bucket-plan.js'

/** Key and value of one entry. */
export type ImkvEntry = readonly [key: string, value: string]

const LOOKS_WITHOUT_LOCK = 4

interface Aged {
  /** Inserts into the stripe since this one. */
  readonly age: number
  readonly entry: WalkedEntry
}

export class ChainReader {
  readonly #table: Table
  readonly #plan: BucketPlan

  constructor(table: Table, plan: BucketPlan) {
    this.#table = table
    this.#plan = plan
  }

  /** The chain of `bucket`, which must exist, from its start to its end. */
  read(bucket: number): ImkvEntry[] {
    const { chain, desk } = this.#table.writer
    const stripe = this.#plan.stripeOf(bucket)
    const stripeAt = chain.buckets.stripeNumber(stripe)
    const look = () => this.#look(bucket, stripe, stripeAt)
    let found = look()
    for (let looks = 1; found === undefined && looks < LOOKS_WITHOUT_LOCK; looks++) found = look()
    found ??= desk.locked(stripeAt, look)
    assert(found !== undefined, 'a stripe holds still under its lock')
    return found
      .sort((a, b) => b.age - a.age)
      .map(({ entry }) => [entry.key.toString('utf8'), entry.value?.toString('utf8') ?? ''])
  }

  /** Undefined if the stripe changed meanwhile. */
  #look(bucket: number, stripe: number, stripeAt: number): Aged[] | undefined {
    const { words } = this.#table.space
    const version = Atomics.load(words, stripeAt + STRIPE.version)
    const stamps = Atomics.load(words, stripeAt + STRIPE.stamps)
    const count = Atomics.load(words, stripeAt + STRIPE.count)
    const aged = count === 0 ? [] : this.#collect(bucket, stripe, stamps)
    const isStable =
      Atomics.load(words, stripeAt + STRIPE.version) === version &&
      Atomics.load(words, stripeAt + STRIPE.stamps) === stamps &&
      Atomics.load(words, stripeAt + STRIPE.count) === count
    return isStable ? aged : undefined
  }

  #collect(bucket: number, stripe: number, stamps: number): Aged[] | undefined {
    const { key, reader } = this.#table
    const aged: Aged[] = []
    for (const entry of this.#walk(bucket, stripe)) {
      key.setBytes(entry.key)
      if (this.#plan.bucketOf(key.hash) !== bucket) continue
      if (!reader.read(key, READ_NOTHING)) return undefined
      aged.push({ age: (stamps - reader.stamp) >>> 0, entry })
    }
    return aged
  }

  /** Everything in the intervals of the table that `bucket` reaches into. */
  #walk(bucket: number, stripe: number): WalkedEntry[] {
    const found: WalkedEntry[] = []
    const end = stripe * POSITIONS + this.#plan.endOf(bucket)
    let cursor = stripe * POSITIONS + this.#plan.startOf(bucket)
    do cursor = this.#table.walker.step(cursor, found, true)
    while (cursor !== 0 && cursor < end)
    return found
  }
}
