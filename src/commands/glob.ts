/**
 * Redis glob patterns over bytes: `*`, `?`, `[abc]`, `[^a-z]`, `\x`. Used by SCAN MATCH, KEYS and CONFIG GET.
 *
 * A pattern is cut at its stars into segments. The first and the last are held against the ends of the key, each
 * one between is looked for behind the one before, leftmost first: a later star can take whatever an earlier one
 * could, so nothing is ever tried twice and `a*` thirty times then `b` costs one pass. Plain segments are found
 * by `indexOf`; those with `?` or classes by a bit for every place (Shift-And, Baeza-Yates and Gonnet 1992): a
 * key byte costs one step for 32 places at most, also for a pattern of 100 KB.
 *
 * As in Redis, a class without `]` is the rest of the pattern and a trailing backslash stands for itself.
 */
const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const CARET = 0x5e
const BACKSLASH = 0x5c
const DASH = 0x2d

/** One place of a segment: the byte it takes, or the set of bytes (256 flags). */
type Place = number | Uint8Array

const ANY_BYTE = new Uint8Array(256).fill(1)

/** Places between two stars. */
class Segment {
  readonly length: number
  readonly #places: readonly Place[]
  readonly #plain: Buffer | undefined
  /** For Shift-And: bit p of row b says that place p takes byte b. */
  #rows: Uint32Array | undefined

  constructor(places: readonly Place[]) {
    this.length = places.length
    this.#places = places
    const bytes = places.filter((place) => typeof place === 'number')
    this.#plain = bytes.length === places.length ? Buffer.from(bytes) : undefined
  }

  /** Whether the bytes at `start` are this segment. */
  matchesAt(key: Buffer, start: number): boolean {
    return (
      start + this.length <= key.length && this.#places.every((place, i) => takes(place, key[start + i] ?? 0))
    )
  }

  /** First position from `start` on where the segment stands, or -1. */
  find(key: Buffer, start: number): number {
    if (this.#plain !== undefined) return key.indexOf(this.#plain, start)
    const words = (this.length + 31) >>> 5
    const rows = (this.#rows ??= this.#buildRows(words))
    const state = new Uint32Array(words)
    const lastBit = 1 << ((this.length - 1) & 31)
    for (let i = start; i < key.length; i += 1) {
      const row = (key[i] ?? 0) * words
      let carry = 1
      for (let w = 0; w < words; w += 1) {
        const before = state[w] ?? 0
        state[w] = ((before << 1) | carry) & (rows[row + w] ?? 0)
        carry = before >>> 31
      }
      if (((state[words - 1] ?? 0) & lastBit) !== 0) return i - this.length + 1
    }
    return -1
  }

  #buildRows(words: number): Uint32Array {
    const rows = new Uint32Array(256 * words)
    for (const [p, place] of this.#places.entries()) {
      for (let byte = 0; byte < 256; byte += 1) {
        const at = byte * words + (p >>> 5)
        if (takes(place, byte)) rows[at] = (rows[at] ?? 0) | (1 << (p & 31))
      }
    }
    return rows
  }
}

/** A pattern, read once and matched against many keys. */
export class Glob {
  /** At least one; n stars make n + 1 segments, empty ones in the middle left out. */
  readonly #segments: readonly Segment[]
  /** Length of the shortest key that can match. */
  readonly #leastBytes: number

  constructor(pattern: Uint8Array) {
    const parts = readPattern(pattern)
    this.#segments = parts
      .filter((part, i) => part.length > 0 || i === 0 || i === parts.length - 1)
      .map((part) => new Segment(part))
    this.#leastBytes = this.#segments.reduce((sum, segment) => sum + segment.length, 0)
  }

  matches(key: Buffer): boolean {
    const first = this.#segments[0]
    const last = this.#segments.at(-1)
    if (first === undefined || last === undefined || key.length < this.#leastBytes) return false
    if (first === last) return key.length === first.length && first.matchesAt(key, 0)
    const end = key.length - last.length
    if (!first.matchesAt(key, 0) || !last.matchesAt(key, end)) return false
    const middle = key.subarray(0, end)
    let at = first.length
    for (let i = 1; i < this.#segments.length - 1; i += 1) {
      const segment = this.#segments[i]
      if (segment === undefined) continue
      const found = segment.find(middle, at)
      if (found < 0) return false
      at = found + segment.length
    }
    return true
  }
}

function takes(place: Place, byte: number): boolean {
  return typeof place === 'number' ? place === byte : place[byte] === 1
}

/** The places between the stars of `pattern`. */
function readPattern(pattern: Uint8Array): Place[][] {
  let current: Place[] = []
  const parts = [current]
  for (let i = 0; i < pattern.length; i += 1) {
    const byte = pattern[i] ?? 0
    if (byte === STAR) parts.push((current = []))
    else if (byte === QUESTION) current.push(ANY_BYTE)
    else if (byte === OPEN) {
      const members = new Uint8Array(256)
      i = readClass(pattern, i + 1, members)
      current.push(members)
    } else {
      if (byte === BACKSLASH && i + 1 < pattern.length) i += 1
      current.push(pattern[i] ?? 0)
    }
  }
  return parts
}

/** Reads the class that starts behind its `[` into `members`; returns where its `]` is (or the pattern's end). */
function readClass(pattern: Uint8Array, start: number, members: Uint8Array): number {
  const negated = pattern[start] === CARET
  let i = negated ? start + 1 : start
  while (i < pattern.length && pattern[i] !== CLOSE) {
    if (pattern[i] === BACKSLASH && i + 1 < pattern.length) {
      i += 1
      members[pattern[i] ?? 0] = 1
    } else if (pattern[i + 1] === DASH && i + 2 < pattern.length) {
      const [a, b] = [pattern[i] ?? 0, pattern[i + 2] ?? 0]
      members.fill(1, Math.min(a, b), Math.max(a, b) + 1)
      i += 2
    } else members[pattern[i] ?? 0] = 1
    i += 1
  }
  if (negated) for (let byte = 0; byte < 256; byte += 1) members[byte] = members[byte] === 1 ? 0 : 1
  return i
}
