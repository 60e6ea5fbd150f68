/**
 * The region of one process: SharedArrayBuffers, which worker threads receive by `postMessage`. Needs no native code.
 *
 * Fixed length on purpose: growable SharedArrayBuffers cost 30 to 60 times a plain load on Node 20.
 */
import { assert } from '../base/assert.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import { preferHugePages } from './huge-pages.js'
import type { WordIndex } from './layout.js'
import type { Region, Segment } from './region.js'

/**
 * Where a segment's bytes begin in its buffer. glibc hands out large blocks 16 bytes past a page, so views that
 * start 48 bytes later have their 64-byte lines on cache lines (measured: 8 to 10 % on random reads of 256 MiB).
 */
const ORIGIN_BYTES = 48
const SLACK_BYTES = 64

export interface SharedArrayHandle {
  readonly kind: 'threads'
  readonly buffers: readonly SharedArrayBuffer[]
}

export class SharedArrayRegion implements Region {
  readonly kind = 'threads'
  readonly segments: readonly Segment[]
  readonly #buffers: readonly SharedArrayBuffer[]

  private constructor(buffers: readonly SharedArrayBuffer[]) {
    this.#buffers = buffers
    this.segments = buffers.map(viewSegment)
  }

  /**
   * Allocates zeroed segments of the given sizes, in bytes, in huge pages if they are large, unless that is not wanted.
   * Throws RangeError when memory cannot be had.
   */
  static create(segmentBytes: readonly number[], wantsHugePages = true): SharedArrayRegion {
    const buffers = segmentBytes.map((bytes) => new SharedArrayBuffer(bytes + SLACK_BYTES))
    if (wantsHugePages) preferHugePages(buffers)
    return new SharedArrayRegion(buffers)
  }

  static attach(handle: Pick<SharedArrayHandle, 'buffers'>): SharedArrayRegion {
    return new SharedArrayRegion(handle.buffers)
  }

  wait(at: WordIndex, expected: number, timeoutMs: number): void {
    Atomics.wait(this.segments[0]!.words, at, expected, timeoutMs)
  }

  notify(at: WordIndex): void {
    Atomics.notify(this.segments[0]!.words, at)
  }

  share(): SharedArrayHandle {
    return { kind: 'threads', buffers: this.#buffers }
  }
}

function viewSegment(buffer: SharedArrayBuffer): Segment {
  const byteLength = buffer.byteLength - SLACK_BYTES
  assert(byteLength > 0 && byteLength % 8 === 0, 'a segment is whole 8-byte words')
  return {
    words: new Int32Array(buffer, ORIGIN_BYTES, byteLength >>> 2),
    floats: new Float64Array(buffer, ORIGIN_BYTES, byteLength >>> 3),
    longs: new BigInt64Array(buffer, ORIGIN_BYTES, byteLength >>> 3),
    bytes: Buffer.from(buffer, ORIGIN_BYTES, byteLength) as unknown as NativeBuffer,
  }
}
