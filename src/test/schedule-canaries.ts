/**
 * Broken copies of the table, each by one piece of compiled text, and the scenario that must find it. They show that
 * the scheduler can fail, and that the order of stores it guards matters.
 *
 * Some orders are not here because no participant that lives can tell them apart: delete with the reference cleared
 * before the stamp and insert with the stamp before the reference (a slot without a chunk is empty, whatever its
 * stamp), replace without the stamp 0 between (both chunks are whole). Those are for who dies in between.
 */
import type { Rewrite } from './instrument.js'

export interface Canary {
  readonly name: string
  readonly rewrites: readonly Rewrite[]
  /** Name of the scenario that finds it. */
  readonly scenario: string
  /** More preemptions than can be tried exhaustively are needed: drawn at random. */
  readonly random?: boolean
}

const nothing = ';'

export const CANARIES: readonly Canary[] = [
  {
    name: 'a hit that does not look at its stamp again',
    rewrites: [
      {
        file: 'table/reader.js',
        find: 'if (Atomics.load(words, slot + 2) !== stamp) return AGAIN;',
        put: nothing,
      },
    ],
    scenario: 'hit and replace, the old chunk used again',
  },
  {
    name: 'a reader that loads the reference before the stamp',
    rewrites: [
      {
        file: 'table/reader.js',
        find: 'const stamp = words[slot + 2]; const reference = words[slot + 1];',
        put: 'const reference = words[slot + 1]; const stamp = words[slot + 2];',
      },
    ],
    scenario: 'hit and replace, the old chunk used again',
  },
  {
    name: 'a reader that passes by a busy slot',
    rewrites: [
      {
        file: 'table/reader.js',
        find: 'if (stamp === 0) return AGAIN;',
        put: 'if (stamp === 0) continue;',
      },
    ],
    scenario: 'hit and replace, the old chunk used again',
  },
  {
    name: 'a miss that does not look at the version again',
    rewrites: [
      {
        file: 'table/reader.js',
        find: 'line = words[at]; } return Atomics.load(stripes, stripeAt + VERSION) === version ? MISS : AGAIN;',
        put: 'line = words[at]; } return MISS;',
      },
    ],
    scenario: 'hits while a split moves entries',
  },
  {
    name: 'a split that does not raise the version',
    rewrites: [
      {
        file: 'table/growth.js',
        find: 'this.#words[stripeAt + VERSION]++; this.#clearMoved(source, buckets);',
        put: 'this.#clearMoved(source, buckets);',
      },
    ],
    scenario: 'hits while a split moves entries',
  },
  {
    name: 'a split that publishes its bucket before the entries are there',
    rewrites: [
      {
        file: 'table/growth.js',
        find: 'if (this.#copyMoving(stripeAt, source, target, buckets) > 0) {',
        put: 'this.#words[stripeAt + BUCKETS] = buckets + 1; if (this.#copyMoving(stripeAt, source, target, buckets) > 0) {',
      },
    ],
    scenario: 'hits while a split moves entries',
  },
  {
    name: 'a move within a chain that does not raise the version',
    rewrites: [
      {
        file: 'table/growth.js',
        find: 'this.#words[stripeAt + VERSION]++; words[at + slot + 2] = 0;',
        put: 'words[at + slot + 2] = 0;',
      },
    ],
    scenario: 'a hit while a chain closes up',
    random: true,
  },
  {
    name: 'a delete that leaves the stamp',
    rewrites: [
      {
        file: 'table/chain.js',
        find: 'this.slotWords[this.slotAt + 2] = 0; this.slotWords[this.slotAt + 1] = 0;',
        put: 'this.slotWords[this.slotAt + 1] = 0;',
      },
    ],
    scenario: 'hit and delete, the chunk used again',
  },
  {
    name: 'a stamp that is given out twice',
    rewrites: [{ file: 'table/chain.js', find: 'this.#words[stripeAt + STAMPS] = stamp;', put: nothing }],
    scenario: 'hit and two replaces, the chunk between them used again',
  },
  {
    name: 'a chunk filled after its slot is published',
    rewrites: [
      {
        file: 'table/writer.js',
        find: 'fillChunk(segment, (reference & GRANULE_MASK) << 2, key, value, valueWord, expiresAtMs);',
        put: nothing,
      },
      {
        file: 'table/writer.js',
        find: 'this.#words[this.#me + CHUNK_IN_HAND] = 0; this.stamp',
        put: 'fillChunk(segment, (reference & GRANULE_MASK) << 2, key, value, valueWord, expiresAtMs); this.#words[this.#me + CHUNK_IN_HAND] = 0; this.stamp',
      },
    ],
    scenario: 'hit and replace, the old chunk used again',
  },
  {
    name: 'an entry counted after it can be seen',
    rewrites: [
      {
        file: 'table/chain.js',
        find: 'this.#words[stripeAt + COUNT]++; words[slot] = hash & HASH_MASK; words[slot + 1] = reference; words[slot + 2] = this.nextStamp(stripeAt);',
        put: 'words[slot] = hash & HASH_MASK; words[slot + 1] = reference; words[slot + 2] = this.nextStamp(stripeAt); this.#words[stripeAt + COUNT]++;',
      },
    ],
    scenario: 'a first entry, inserted and deleted once it is seen',
  },
  {
    name: 'a put without the lock of its stripe',
    rewrites: [
      {
        file: 'table/writer.js',
        find: 'this.#lock(stripeAt); const isStarted',
        put: 'const isStarted',
      },
    ],
    scenario: 'two inserts of one key',
  },
  {
    name: 'a lock that wakes nobody',
    rewrites: [{ file: 'memory/lock.js', find: 'if ((held & CONTENDED) !== 0)', put: 'if (held === 0)' }],
    scenario: 'two replaces',
  },
  {
    name: 'a chunk freed before the slot has left it',
    rewrites: [
      {
        file: 'table/writer.js',
        find: 'this.chain.replace(stripeAt, reference);',
        put: 'this.#freeDetached(old); this.chain.replace(stripeAt, reference); this.#words[this.#me + PARTICIPANT.detached] = old;',
      },
    ],
    scenario: 'two replaces',
  },
  {
    name: 'a walk that counts an entry of a split in both buckets',
    rewrites: [{ file: 'table/walker.js', find: 'if (!belongs || this.#met.has(stamp))', put: 'if (false)' }],
    scenario: 'a walk while a split moves entries',
  },
  {
    name: 'a read-only reader that takes for absent what it cannot decide',
    rewrites: [
      {
        file: 'table/read-only-table.js',
        find: 'if (found === AGAIN) return this.#undecided(CHANGING);',
        put: 'if (found === AGAIN) return ABSENT;',
      },
    ],
    scenario: 'glance and replace, the old chunk used again',
  },
  {
    name: 'a read-only reader that marks what it has used',
    rewrites: [
      {
        file: 'table/reader.js',
        find: 'view.isWritable && view.facts.eviction',
        put: 'view.facts.eviction',
      },
    ],
    scenario: 'glance and evict',
  },
]
