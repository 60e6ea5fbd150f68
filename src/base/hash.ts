/**
 * HalfSipHash-1-3 over 32-bit words: a keyed hash that a stranger cannot flood.
 *
 * Keys come from outside, so a table must not let their sender choose the chain they land in. Seeded murmur3 and
 * its kin do not help: sets of keys exist that collide under every seed. HalfSipHash (Aumasson, Bernstein,
 * https://github.com/veorq/SipHash) is a pseudo-random function of a secret 64-bit key and works on 32-bit words,
 * which is what JavaScript computes fast. One compression and three finalisation rounds is the variant that
 * Linux uses for its own hash tables.
 */

/**
 * Hash of `byteLength` bytes that lie little-endian in `words`, from word 0; the last word is padded with zeros.
 * Returns a signed 32-bit integer.
 */
export function halfSipHash13(words: Int32Array, byteLength: number, key0: number, key1: number): number {
  // Without the `| 0` the first sum of each block is computed in floating point.
  let v0 = key0 | 0
  let v1 = key1 | 0
  let v2 = v0 ^ 0x6c796765
  let v3 = v1 ^ 0x74656462
  const whole = byteLength >>> 2
  for (let i = 0; i <= whole; i++) {
    const block = i < whole ? words[i]! : (byteLength << 24) | ((byteLength & 3) === 0 ? 0 : words[whole]!)
    v3 ^= block
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= block
  }
  v2 ^= 0xff
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  return v1 ^ v3
}
