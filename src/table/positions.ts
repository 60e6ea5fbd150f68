/**
 * The order in which a stripe is walked: by bit-reversed hash, so that growth never sends a walker back.
 *
 * The buckets of a stripe at level L (the largest power of two not above their number is 2^L) cut the space of
 * reversed hashes into 2^L intervals; a split cuts one interval in two, and buckets are never merged. So "everything
 * before this position is done" stays true while the table grows (van der Hoeven's cursor, as Redis scans).
 */

/** Bits of a position: more buckets than that a stripe never has. */
export const POSITION_BITS = 26
export const POSITIONS = 2 ** POSITION_BITS

/** Level of a stripe of `buckets`: its intervals are the residues of the bucket number modulo 2^level. */
export function levelOf(buckets: number): number {
  return 31 - Math.clz32(buckets)
}

/** The residue whose buckets hold the interval that `position` lies in. */
export function residueAt(position: number, level: number): number {
  let value = Math.floor(position / 2 ** (POSITION_BITS - level))
  let reversed = 0
  for (let bit = 0; bit < level; bit++) {
    reversed = (reversed << 1) | (value & 1)
    value >>>= 1
  }
  return reversed
}

/** The position behind the interval that `position` lies in; POSITIONS at the end of the stripe. */
export function positionAfter(position: number, level: number): number {
  const width = 2 ** (POSITION_BITS - level)
  return position - (position % width) + width
}

/** The position of an entry under `hash` within its stripe. */
export function positionOf(hash: number): number {
  let position = 0
  for (let bit = 0; bit < POSITION_BITS; bit++) position = position * 2 + ((hash >>> bit) & 1)
  return position
}
