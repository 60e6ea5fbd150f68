/**
 * Copying bytes between words and any place, a word at a time: what lies in a file is not aligned, what lies in a
 * table is. Three times as fast as a native copy for 100 bytes, whose call costs more than the bytes do.
 */

/** Up to here copying by words is faster than a native copy. */
export const WORD_COPY_BYTES = 512

/**
 * Copies `byteLength` bytes from byte `from` of `source` to word `to` of `target`. The last word is filled with zeros;
 * `source` must have one word more than the bytes end in, or end there.
 */
export function copyToWords(
  source: Int32Array,
  from: number,
  target: Int32Array,
  to: number,
  byteLength: number,
): void {
  const whole = byteLength >>> 2
  const shift = (from & 3) << 3
  let at = from >>> 2
  if (shift === 0) {
    for (let i = 0; i < whole; i++) target[to + i] = source[at + i]!
  } else {
    const back = 32 - shift
    let low = source[at]!
    for (let i = 0; i < whole; i++) {
      const high = source[++at]!
      target[to + i] = (low >>> shift) | (high << back)
      low = high
    }
    at -= whole
  }
  const rest = byteLength & 3
  if (rest === 0) return
  at += whole
  const last = shift === 0 ? source[at]! : (source[at]! >>> shift) | ((source[at + 1] ?? 0) << (32 - shift))
  target[to + whole] = last & ((1 << (rest << 3)) - 1)
}

/**
 * Copies `byteLength` bytes from the start of `source` to byte `to` of `target`, and zeros or whatever follows in the last
 * word behind them: `target` must have room for whole words.
 */
export function copyFromWords(source: Int32Array, target: DataView, to: number, byteLength: number): void {
  const count = (byteLength + 3) >>> 2
  for (let i = 0; i < count; i++) target.setInt32(to + 4 * i, source[i]!, true)
}
