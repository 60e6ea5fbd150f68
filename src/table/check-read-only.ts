/**
 * The check for those who can only read: nobody is held up, so what is found counts only if nothing has moved meanwhile.
 *
 * First everything at once (see check.ts), believed if the front of the region (the records of participants, stripes,
 * size classes and pages) is the same before and after, but for counters, time and hints: every change of an entry, a
 * chunk or a page shows there. A table that others keep writing to is then checked stripe by stripe, each at a moment
 * when nobody has its lock and after which its version, stamps and counts are what they were: entries, buckets and
 * lines; which chunk is whose can not be said then. So it is with a table that somebody has died in, until it is repaired.
 */
import { createHash } from 'node:crypto'
import { monotonicMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { HEADER } from '../memory/header.js'
import { Lines } from '../memory/lines.js'
import { Locks } from '../memory/lock.js'
import { Pages } from '../memory/pages.js'
import { COUNTER_SLOTS, PARTICIPANT } from '../memory/participant.js'
import { describeOwner, recordsInUse } from '../memory/participant-list.js'
import type { Presence, Region } from '../memory/region.js'
import { PAGE_BYTES, sizeClasses } from '../memory/size-classes.js'
import { Slab } from '../memory/slab.js'
import { Buckets } from './buckets.js'
import { Check, type CheckedTable } from './check.js'
import { KeyBuffer } from './key-buffer.js'
import { STRIPE, STRIPE_WORDS } from './layout.js'
import type { TableView } from './view.js'

/** Whether chunks and pages could be accounted for, too. */
export type CheckScope = 'everything' | 'entries'

const QUIET_TRIES = 3
const SLEEPER = new Int32Array(new SharedArrayBuffer(4))
/** Words of the header that change without anything having moved. */
const RESTLESS = [HEADER.timeMs, HEADER.timeMs + 1, HEADER.sweepTurn, HEADER.sweepStripe, HEADER.sweepBucket]

/**
 * Throws InvariantError on a broken invariant, OperationError TIMEOUT if a stripe did not hold still for `timeoutMs`.
 */
export function checkReadOnly(
  view: TableView,
  presence: Pick<Presence, 'isPresent'>,
  timeoutMs: number,
): CheckScope {
  const table = withAllocator(view)
  const hasher = new KeyBuffer(view.words[HEADER.hashKey0]!, view.words[HEADER.hashKey1]!)
  for (let tries = 0; tries < QUIET_TRIES; tries++) if (isWholeChecked(table, hasher)) return 'everything'
  const buckets = new Buckets(view)
  for (let index = 0; index < buckets.stripes; index++) {
    checkStripeAlone(table, hasher, buckets.stripeNumber(index), presence, timeoutMs)
  }
  return 'entries'
}

/** False if somebody was inside an operation, or has been in between. */
function isWholeChecked(table: CheckedTable, hasher: KeyBuffer): boolean {
  const before = frontOf(table)
  const desks = [...recordsInUse(table.words, table.shape)]
  if (desks.some((at) => table.words[at + PARTICIPANT.desk] !== 0)) return false
  let failure: { readonly error: unknown } | undefined
  try {
    new Check(table, hasher).run(desks)
  } catch (error) {
    failure = { error }
  }
  if (frontOf(table) !== before) return false
  if (failure !== undefined) throw failure.error
  return true
}

/** A digest of what lies before the pages of each segment, without what changes for no reason. */
function frontOf({ region, shape, words }: TableView): string {
  const own = words.slice(0, shape.segments[0]!.pageTableAt)
  for (const at of RESTLESS) own[at] = 0
  for (const at of recordsInUse(words, shape)) {
    const counters = at + PARTICIPANT.counters
    own.fill(0, counters, counters + COUNTER_SLOTS * 2)
  }
  const digest = createHash('sha1').update(own)
  for (const [index, { pageTableAt, firstPage }] of shape.segments.entries()) {
    digest.update(region.segments[index]!.bytes.subarray(pageTableAt << 2, firstPage * PAGE_BYTES))
  }
  return digest.digest('hex')
}

function checkStripeAlone(
  table: CheckedTable,
  hasher: KeyBuffer,
  stripeAt: number,
  presence: Pick<Presence, 'isPresent'>,
  timeoutMs: number,
): void {
  const startedMs = monotonicMs()
  for (let sleepMs = 0; ; sleepMs = Math.min(WAIT_SLICE_MS, sleepMs + 1)) {
    const before = signOf(table.words, stripeAt)
    let failure: { readonly error: unknown } | undefined
    try {
      new Check(table, hasher).checkStripe(stripeAt)
    } catch (error) {
      failure = { error }
    }
    if (before !== undefined && before === signOf(table.words, stripeAt)) {
      if (failure !== undefined) throw failure.error
      return
    }
    if (monotonicMs() - startedMs >= timeoutMs) throw unquiet(table, stripeAt, presence, timeoutMs)
    Atomics.wait(SLEEPER, 0, 0, sleepMs)
  }
}

/** Changes with every change of the stripe; undefined while somebody has its lock. */
function signOf(words: Int32Array, stripeAt: number): string | undefined {
  if (Atomics.load(words, stripeAt + STRIPE.lock) !== 0) return undefined
  const { version, count, stamps, buckets } = STRIPE
  const sign = [version, count, stamps, buckets].map((word) => Atomics.load(words, stripeAt + word)).join()
  return Atomics.load(words, stripeAt + STRIPE.lock) === 0 ? sign : undefined
}

function unquiet(
  { words, shape }: TableView,
  stripeAt: number,
  presence: Pick<Presence, 'isPresent'>,
  timeoutMs: number,
): OperationError {
  const owner = describeOwner(words, shape, Atomics.load(words, stripeAt + STRIPE.lock), presence)
  const index = (stripeAt - shape.stripesAt) / STRIPE_WORDS
  const why = owner === undefined ? 'it is written to all the time' : `it is held by ${owner}`
  return new OperationError('TIMEOUT', `stripe ${index} has not held still for ${timeoutMs} ms: ${why}.`, {
    outcome: 'not-applied',
  })
}

/** The allocator's view of the same memory, for looking at: its locks are never taken. */
function withAllocator(view: TableView): CheckedTable {
  const never = () => {
    throw new TypeError('a read-only check takes no locks')
  }
  const region: Region = {
    kind: 'mapped',
    segments: view.region.segments,
    wait: never,
    notify: never,
    share: never,
    commit: never,
  }
  const locks = new Locks(region, 0, 0, { settle: never, describe: never })
  const pages = new Pages(region, view.shape, locks, 0)
  const slab = new Slab(region, sizeClasses(view.facts.capacityBytes), pages, locks, 0)
  return { ...view, pages, slab, lines: new Lines(region, pages, locks, 0) }
}
