/**
 * What makes a directory one node's data: a random id that all its files carry, and the secret key of the table's
 * hash, so that stored hashes stay true over restarts. One small file, mode 0600 like the others. No I/O here.
 *
 *   0        8         12  16       24         32    36
 *   | magic  | version | 0 | log id | hash key | crc |
 *   | 8      | 4       | 4 | 8      | 2 x 4    | 4   |
 */
import { crc32 } from 'node:zlib'
import { randomWords } from '../base/random.js'

export const IDENTITY_NAME = 'identity'
const MAGIC = Buffer.from('HEARTHID')
const VERSION = 1
const CRC_AT = 32
const LENGTH = 36

export interface Identity {
  readonly logId: bigint
  readonly hashKey: readonly [number, number]
}

/** A random number of 64 bits, not 0. */
export function randomId(): bigint {
  const [low = 0, high = 0] = randomWords(2)
  return (BigInt(high) << 32n) | BigInt(low) || 1n
}

export function newIdentity(): Identity {
  const [key0 = 0, key1 = 0] = randomWords(2)
  return { logId: randomId(), hashKey: [key0, key1] }
}

export function encodeIdentity(identity: Identity): Buffer {
  const bytes = Buffer.alloc(LENGTH)
  MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeBigUInt64LE(identity.logId, 16)
  bytes.writeUInt32LE(identity.hashKey[0], 24)
  bytes.writeUInt32LE(identity.hashKey[1], 28)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT)
  return bytes
}

/** The identity, or what is wrong with it. */
export function decodeIdentity(bytes: Buffer): Identity | string {
  if (bytes.length !== LENGTH || !bytes.subarray(0, 8).equals(MAGIC)) return 'this is no identity of a node'
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT)))
    return 'the checksum of the identity is wrong'
  if (bytes.readUInt32LE(8) !== VERSION) return 'the identity is of another format version'
  return {
    logId: bytes.readBigUInt64LE(16),
    hashKey: [bytes.readUInt32LE(24), bytes.readUInt32LE(28)],
  }
}
