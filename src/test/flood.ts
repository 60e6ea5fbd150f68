/**
 * Keys made to flood a hash table. MurmurHash3 (x86, 32 bit) has collisions that hold under every seed: a block is
 * mixed by a bijection of its own before it is xored into the state, so a wanted difference there can be had by
 * choosing the block. Flipping bit 18 of one mixed block flips, after the rotation by 13, exactly the top bit of the
 * state; times 5 leaves a top-bit difference as it is (2^31 x 5 = 2^31 mod 2^32); flipping bit 31 of the next mixed
 * block takes it away. Neither step depends on the state, so seventeen such pairs in a row, each in one of two forms,
 * give 2^17 keys of 136 bytes and one hash. After Aumasson, Bernstein and Boßlet, "Hash-flooding DoS reloaded", 2012.
 *
 * Blocks are searched so that all forms are ASCII without NUL: the keys are ordinary strings.
 */
import { assert } from '../base/assert.js'
import { SeededRandom } from './seeded-random.js'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/** The number whose product with odd `word` is 1 modulo 2^32, by Newton's iteration. */
function inverse(word: number): number {
  let guess = word
  for (let round = 0; round < 5; round++) guess = Math.imul(guess, 2 - Math.imul(word, guess))
  return guess
}

function mix(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, C1), 15), C2)
}

const INVERSE_C1 = inverse(C1)
const INVERSE_C2 = inverse(C2)

function unmix(mixed: number): number {
  return Math.imul(rotateLeft(Math.imul(mixed, INVERSE_C2), 17), INVERSE_C1)
}

/** MurmurHash3_x86_32 of bytes whose number is a multiple of four (as all keys here are). */
export function murmur3(key: Uint8Array, seed: number): number {
  assert(key.length % 4 === 0, 'a key of whole blocks')
  const blocks = new DataView(key.buffer, key.byteOffset, key.length)
  let hash = seed | 0
  for (let at = 0; at < key.length; at += 4) {
    hash = Math.imul(rotateLeft(hash ^ mix(blocks.getInt32(at, true)), 13), 5) + 0xe6546b64
  }
  hash ^= key.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function text(block: number): string {
  return String.fromCharCode(block & 0xff, (block >>> 8) & 0xff, (block >>> 16) & 0xff, block >>> 24)
}

/** Whether all four bytes are in 1..127. */
function isAscii(block: number): boolean {
  const noHighBit = (block & 0x80808080) === 0
  return noHighBit && [0, 8, 16, 24].every((shift) => ((block >>> shift) & 0xff) !== 0)
}

/** An ASCII block whose partner, `flip` away once mixed, is ASCII too. */
function findPartners(random: SeededRandom, flip: number): readonly [string, string] {
  for (;;) {
    const one = random.next()
    const other = unmix(mix(one) ^ flip)
    if (isAscii(one) && isAscii(other)) return [text(one), text(other)]
  }
}

/** 2^`pairs` different ASCII keys of 8 x `pairs` characters that share one murmur3 hash under every seed. */
export function* murmurFlood(pairs = 17): Generator<string> {
  const random = new SeededRandom(20120102)
  const choices = Array.from({ length: pairs }, () => {
    const first = findPartners(random, 1 << 18)
    const second = findPartners(random, 1 << 31)
    return [first[0] + second[0], first[1] + second[1]] as const
  })
  for (let number = 0; number < 2 ** pairs; number++) {
    yield choices.map((choice, bit) => choice[(number >>> bit) & 1]).join('')
  }
}

/** "0" to `count` - 1: keys that a weak hash puts side by side. */
export function* integerKeys(count = 131_072): Generator<string> {
  for (let number = 0; number < count; number++) yield String(number)
}

/** Random keys of `length` characters, to compare with. */
export function* randomKeys(length: number, count = 131_072): Generator<string> {
  const random = new SeededRandom(7)
  for (let number = 0; number < count; number++) {
    let key = ''
    while (key.length < length) key += random.next().toString(36)
    yield key.slice(0, length)
  }
}
