/**
 * A region: shared memory in segments of at most 1 GiB, behind one contract for every way of sharing it.
 *
 * Kinds: `SharedArrayRegion` (threads of one process, no native code) and `MappedRegion` (a named file of `/dev/shm`,
 * for every process of a machine). `ReadOnlyRegion` is the view of such a file that cannot store.
 *
 * References count 16-byte granules over all segments: the top 6 bits name the segment, the low 26 the granule in
 * it. Reference 0 would be the region's header, so 0 is never a valid reference.
 */
import type { NativeBuffer } from '../base/native-buffer.js'
import type { WordIndex } from './layout.js'

/** Reference to a 16-byte granule; 0 is none. A signed 32-bit integer. */
export type Reference = number

/** Bits of a reference that count granules within a segment. */
export const GRANULE_BITS = 26
export const GRANULE_MASK = (1 << GRANULE_BITS) - 1

/** One stretch of shared memory and the views that hot code reads it by; all start at the same byte. */
export interface Segment {
  readonly words: Int32Array
  readonly floats: Float64Array
  readonly longs: BigInt64Array
  readonly bytes: NativeBuffer
}

/** A region as those see it who only read. */
export interface RegionView {
  readonly segments: readonly Segment[]
  /** How its participants are known to live; absent where the threads of this process are all there can be. */
  readonly presence?: Presence
}

export interface Region extends RegionView {
  readonly kind: 'threads' | 'mapped'
  /** Sleeps until `notify` on that word of segment 0, `timeoutMs`, or at once if it is not `expected`. */
  wait(at: WordIndex, expected: number, timeoutMs: number): void
  /** Wakes all who wait on that word of segment 0. */
  notify(at: WordIndex): void
  /** What another thread (or process, by kind) needs to attach: structured-cloneable. */
  share(): unknown
  /**
   * Backs bytes of a segment with memory before they are first touched; false if the system has none left. Absent where
   * all memory is backed from the start.
   */
  commit?(segment: number, firstByte: number, bytes: number): boolean
  /** Housekeeping between operations, about ten times a second. */
  tend?(): void
  /** Why the system gave no memory the last time, for messages; undefined if it always did. */
  shortage?(): string | undefined
}

/** Tells which records of participants have a user that lives, by something that the system takes back at a death. */
export interface Presence {
  /** Becomes the present user of record `index`; false if somebody else is. */
  claim(index: number): boolean
  /** Takes back a claim. */
  release(index: number): void
  /** Whether record `index` has a user that lives. When in doubt, it has. */
  isPresent(index: number): boolean
  /** Ends this thread's presence for good. */
  close(): void
}
