/**
 * Filling a chunk: header, expiry, key, value. The chunk is in its writer's hand, no slot knows it: readers that still
 * look at it from before are turned away by the stamp they saw, so the stores need no order among themselves.
 */
import { copyWords } from '../base/word-copy.js'
import type { Segment } from '../memory/region.js'
import type { KeyBuffer } from './key-buffer.js'
import { FLAG_EXPIRY, keyOffset, keyWords } from './layout.js'
import { WORD_COPY_BYTES as IMPORTED_WORD_COPY_BYTES, type ValueBuffer } from './value-buffer.js'

// A local copy: an imported constant is loaded and checked at every use.
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
  const words = segment.words
  words[at] = valueWord
  words[at + 1] = key.byteLength
  if ((valueWord & FLAG_EXPIRY) !== 0) segment.floats[(at + 2) >>> 1] = expiresAtMs
  const keyAt = at + keyOffset(valueWord)
  const keyEnd = keyWords(key.byteLength)
  const keySource = key.words
  for (let i = 0; i < keyEnd; i += 2) {
    words[keyAt + i] = keySource[i]!
    words[keyAt + i + 1] = keySource[i + 1]!
  }
  const valueAt = keyAt + keyEnd
  const byteLength = value.byteLength
  if (byteLength <= WORD_COPY_BYTES && value.words.length > 0) {
    copyWords(value.words, value.wordsAt, words, valueAt, (byteLength + 3) >>> 2)
  } else {
    const { source } = value
    segment.bytes.set(byteLength === source.length ? source : source.subarray(0, byteLength), valueAt << 2)
  }
}
