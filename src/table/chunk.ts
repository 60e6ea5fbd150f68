/**
 * Filling a chunk: header, expiry, key, value. The chunk is in its writer's hand, no slot knows it: readers that still
 * look at it from before are turned away by the stamp they saw, so the stores need no order among themselves.
 */
import { copyLongs as importedCopyLongs } from '../memory/long-copy.js'
import type { Segment } from '../memory/region.js'
import type { KeyBuffer } from './key-buffer.js'
import { FLAG_EXPIRY as IMPORTED_FLAG_EXPIRY } from './layout.js'
import { WORD_COPY_BYTES as IMPORTED_WORD_COPY_BYTES, type ValueBuffer } from './value-buffer.js'

// Local copies: an imported constant is loaded and checked at every use, and so is a function.
const copyLongs = importedCopyLongs
const FLAG_EXPIRY = IMPORTED_FLAG_EXPIRY
const WORD_COPY_BYTES = IMPORTED_WORD_COPY_BYTES

/** Writes the chunk at word `at` of `segment`; the expiry only if `valueWord` says that there is one. */
export function fillChunk(
  segment: Segment,
  at: number,
  key: KeyBuffer,
  value: ValueBuffer,
  valueWord: number,
  expiresAtMs: number,
): void {
  const { words, longs } = segment
  const { byteLength: keyBytes, longs: keySource } = key
  const { byteLength, longs: source, longsAt } = value
  words[at] = valueWord
  words[at + 1] = keyBytes
  // What the key and the value are is in layout.ts: they begin at whole eight bytes.
  let to = (at + 2) >>> 1
  if ((valueWord & FLAG_EXPIRY) !== 0) segment.floats[to++] = expiresAtMs
  const keyEnd = (keyBytes + 7) >>> 3
  if (byteLength > WORD_COPY_BYTES || source.length === 0) {
    copyLongs(keySource, 0, longs, to, keyEnd)
    const bytes = value.source
    segment.bytes.set(byteLength === bytes.length ? bytes : bytes.subarray(0, byteLength), (to + keyEnd) << 3)
  } else if (source === keySource && longsAt === keyEnd) {
    copyLongs(source, 0, longs, to, keyEnd + ((byteLength + 7) >>> 3))
  } else {
    copyLongs(keySource, 0, longs, to, keyEnd)
    copyLongs(source, longsAt, longs, to + keyEnd, (byteLength + 7) >>> 3)
  }
}
