/**
 * Layout tables: where the words of a shared structure lie, who may write them, and what they mean.
 *
 * Every structure in shared memory has exactly one table, and the table is the documentation. The builder refuses
 * overlap, gaps that are not named, misalignment and overflow when the module loads, so a wrong table cannot run.
 * Hot code destructures the numeric offsets into module constants, which cost as much as literals.
 */
import { assert } from '../base/assert.js'

/** Index of a 32-bit word, within a structure or within a segment. */
export type WordIndex = number & { readonly __wordIndex?: never }

export interface WordField {
  /** Offset from the structure's start, in 32-bit words. */
  readonly at: number
  /** Width in 32-bit words; 2 for an 8-byte field, which must lie on an even word. */
  readonly words?: number
  /** Who may write it, and under which guard. */
  readonly writer: string
  /** What it says, in one sentence. */
  readonly what: string
}

export type WordOffsets<F> = { readonly [K in keyof F]: WordIndex }

/** Checks `fields` against each other and `totalWords`, and returns their offsets by name. */
export function wordLayout<const F extends Record<string, WordField>>(
  name: string,
  totalWords: number,
  fields: F,
): WordOffsets<F> {
  const owner = new Array<string | undefined>(totalWords)
  const offsets: Record<string, number> = {}
  for (const [field, { at, words = 1, writer, what }] of Object.entries(fields)) {
    assert(Number.isInteger(at) && at >= 0 && words > 0, `${name}.${field}: a field starts on a whole word`)
    assert(at + words <= totalWords, `${name}.${field}: runs past the end of the structure`)
    assert(words !== 2 || at % 2 === 0, `${name}.${field}: an 8-byte field lies on an even word`)
    assert(writer !== '' && what !== '', `${name}.${field}: says who writes it and what it means`)
    for (let word = at; word < at + words; word++) {
      assert(owner[word] === undefined, `${name}.${field}: overlaps ${owner[word]}`)
      owner[word] = field
    }
    offsets[field] = at
  }
  // Filled name by name, an object of more than 16 fields is a hash table to V8; its copy has a shape, as hot code needs it.
  return { ...offsets } as WordOffsets<F>
}
