/**
 * Copying between arrays of eight bytes, for what begins and ends at whole ones: half the time of words. Values pass in
 * registers, no bigint is made.
 *
 * Without a loop for less than 128 bytes: at each turn of one the engine looks anew what both arrays are, since a turn may be
 * interrupted. In this folder rather than beside `copyWords`, so that tests which stop a thread at each store into shared memory
 * see these. Says nothing of order: who copies publishes by another store.
 */

/** Copies `count` longs from long `from` of `source` to long `to` of `target`. */
export function copyLongs(
  source: BigInt64Array,
  from: number,
  target: BigInt64Array,
  to: number,
  count: number,
): void {
  let i = from | 0
  let j = to | 0
  for (const end = (i + (count & ~15)) | 0; i < end; i = (i + 16) | 0, j = (j + 16) | 0) {
    copyEight(source, i, target, j)
    copyEight(source, (i + 8) | 0, target, (j + 8) | 0)
  }
  if ((count & 8) !== 0) {
    copyEight(source, i, target, j)
    i = (i + 8) | 0
    j = (j + 8) | 0
  }
  if ((count & 4) !== 0) {
    const a = source[i]!
    const b = source[(i + 1) | 0]!
    const c = source[(i + 2) | 0]!
    const d = source[(i + 3) | 0]!
    target[j] = a
    target[(j + 1) | 0] = b
    target[(j + 2) | 0] = c
    target[(j + 3) | 0] = d
    i = (i + 4) | 0
    j = (j + 4) | 0
  }
  if ((count & 2) !== 0) {
    const a = source[i]!
    const b = source[(i + 1) | 0]!
    target[j] = a
    target[(j + 1) | 0] = b
    i = (i + 2) | 0
    j = (j + 2) | 0
  }
  if ((count & 1) !== 0) target[j] = source[i]!
}

function copyEight(source: BigInt64Array, i: number, target: BigInt64Array, j: number): void {
  const a = source[i]!
  const b = source[(i + 1) | 0]!
  const c = source[(i + 2) | 0]!
  const d = source[(i + 3) | 0]!
  const e = source[(i + 4) | 0]!
  const f = source[(i + 5) | 0]!
  const g = source[(i + 6) | 0]!
  const h = source[(i + 7) | 0]!
  target[j] = a
  target[(j + 1) | 0] = b
  target[(j + 2) | 0] = c
  target[(j + 3) | 0] = d
  target[(j + 4) | 0] = e
  target[(j + 5) | 0] = f
  target[(j + 6) | 0] = g
  target[(j + 7) | 0] = h
}
