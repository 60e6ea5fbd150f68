/**
 * Keys that flood a hash table which trusts murmur3: 2^17 different keys of 136 ASCII characters that share one
 * MurmurHash3 (x86, 32 bit) under every seed. Each of 17 blocks of eight characters has two forms of equal effect on
 * the hash's state, after Aumasson, Bernstein and Boßlet, "Hash-flooding DoS reloaded", 2012; the test recomputes it.
 * Beside them: numbers as text, and random keys to compare with. Every call makes new, flat strings. Pure functions.
 */
import { seededRandom } from '../base/random.js'

const BLOCK_BYTES = 8

function blocksOf(base64: string): readonly Buffer[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length / BLOCK_BYTES }, (_, block) =>
    bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
  )
}

const EITHER = blocksOf(
  'BGobEDpXfAwXdCRTCTwlRw16OhMwImEbCG4jLSkjEHNqCFd0dx1zHmsRSGwjOF8OA2cxYWIgDD5wGE1ycn4ZP3EacGsd' +
    'NWgtB2MqNiUnCH0UeV1MFHUkc1sBKm11CS9WdQpbQGoOGHtyE3QNGXgLXyBsGUU2FWU6fwprXRdkFFwQdxs5CFApfw==',
)
const OTHER = blocksOf(
  'XAs8BTpXLUhvFUVICTx0C2UbWwgwIhJXYA9EIikjXzcSZzZ/dx0kWhNwJ3cjOBBKWwhSVmIgWwIYdyx9cn5oAxl5T3Yd' +
    'NRlpXwRLKyUnV0FsGn5BFHVzNwNgCXh1CX4aHWk6S2oOZz8aclMYGXhaI3gNOjo2FRZ2J2lKaBdkYyBoGDwuCFB4Qw==',
)

export const FLOOD_KEY_BYTES = EITHER.length * BLOCK_BYTES
export const MOST_FLOOD_KEYS = 2 ** EITHER.length

/** The first `count` keys of one murmur3 hash; at most {@link MOST_FLOOD_KEYS}. */
export function murmurFloodKeys(count: number): string[] {
  const scratch = Buffer.alloc(FLOOD_KEY_BYTES)
  return Array.from({ length: count }, (_, number) => {
    EITHER.forEach((block, bit) => {
      const chosen = ((number >>> bit) & 1) === 0 ? block : (OTHER[bit] ?? block)
      chosen.copy(scratch, bit * BLOCK_BYTES)
    })
    return scratch.toString('latin1')
  })
}

/** "0", "1", ...: keys that a weak hash puts side by side. */
export function integerKeys(count: number): string[] {
  return Array.from({ length: count }, (_, number) => Buffer.from(String(number)).toString('latin1'))
}

/** Random keys of as many characters as `like` has, key by key; the same keys at each call. */
export function randomKeysLike(like: readonly string[]): string[] {
  const random = seededRandom(7)
  const seen = new Set<string>()
  return like.map(({ length }) => {
    const scratch = Buffer.alloc(length)
    for (;;) {
      for (let at = 0; at < length; at++) scratch[at] = 33 + random.nextInt(94)
      const key = scratch.toString('latin1')
      if (!seen.has(key)) {
        seen.add(key)
        return key
      }
    }
  })
}
