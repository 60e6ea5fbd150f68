import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { RecordBatch } from './record-batch.js'
import { decodeRecords, type RecordSink } from './record-reader.js'

/** A record as text, so that whatever differs shows. */
type Told = string

function collector(told: Told[]): RecordSink {
  return {
    set: (bytes, keyStart, keyEnd, valueEnd, flags, expiresAtMs, lsn) => {
      const key = bytes.toString('hex', keyStart, keyEnd)
      told.push(`${lsn} set ${key} ${bytes.toString('hex', keyEnd, valueEnd)} ${flags} ${expiresAtMs}`)
    },
    delete: (bytes, keyStart, keyEnd, lsn) =>
      told.push(`${lsn} delete ${bytes.toString('hex', keyStart, keyEnd)}`),
    clear: (lsn) => told.push(`${lsn} clear`),
  }
}

/** What FORMATS.md says of the records in `bytes`, read in the plainest way; `undefined`: they are malformed. */
function plainRead(bytes: Buffer, count: number, firstLsn: number, fromLsn: number): Told[] | undefined {
  const told: Told[] = []
  let at = 0
  for (let lsn = firstLsn; lsn < firstLsn + count; lsn++) {
    if (at + 8 > bytes.length) return undefined
    const [word0, word1] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    const [valueBytes, type] = [word0 % 2 ** 27, Math.floor(word0 / 2 ** 27)]
    const [keyBytes, flags] = [word1 % 2 ** 17, Math.floor(word1 / 2 ** 17)]
    if (type < 1 || type > 3 || flags > 3 || keyBytes > MAX_KEY_BYTES || valueBytes > MAX_VALUE_BYTES)
      return undefined
    const [keyEnd, valueEnd] = [at + 8 + keyBytes, at + 8 + keyBytes + valueBytes]
    const end = flags >= 2 ? valueEnd + 8 : valueEnd
    if (end > bytes.length) return undefined
    const key = bytes.toString('hex', at + 8, keyEnd)
    const expiresAtMs = flags >= 2 ? bytes.readDoubleLE(valueEnd) : Infinity
    if (type === 1)
      told.push(`${lsn} set ${key} ${bytes.toString('hex', keyEnd, valueEnd)} ${flags} ${expiresAtMs}`)
    else told.push(type === 2 ? `${lsn} delete ${key}` : `${lsn} clear`)
    at = end
  }
  return bytes.length - at < 8 ? told.slice(Math.max(0, fromLsn - firstLsn)) : undefined
}

function assertReadAlike(bytes: Buffer, count: number, fromLsn = 1): void {
  // At an odd place of a longer buffer: nothing outside may be looked at.
  const around = Buffer.alloc(bytes.length + 24, 0xa5)
  const inside = around.subarray(3, around.length)
  bytes.copy(inside, 8)
  const told: Told[] = []
  const fault = decodeRecords(inside, 8, 8 + bytes.length, count, 1, fromLsn, collector(told))
  const expected = plainRead(bytes, count, 1, fromLsn)
  if (expected === undefined) assert.equal(typeof fault, 'string')
  else assert.equal(fault, undefined)
  assert.deepEqual(told, expected ?? [], 'of what is malformed nothing is handed over')
}

const SHORT = fc.uint8Array({ maxLength: 12 })
const VALUE = fc.oneof(SHORT, fc.uint8Array({ maxLength: 700 }))
const RECORD = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('set' as const), SHORT, VALUE, fc.boolean(), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), SHORT) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const)) },
)

/** The records as they lie in a frame, padded; at most 200 of them, so that they take more than one stride. */
const FRAME = fc.array(RECORD, { maxLength: 200 }).map((records) => {
  const batch = new RecordBatch()
  for (const record of records) {
    if (record[0] === 'set') batch.set(record[1], record[2], record[3], record[4] ? 1.7e12 : Infinity)
    else if (record[0] === 'delete') batch.delete(record[1])
    else batch.clear()
  }
  const bytes = Buffer.alloc(Math.ceil(batch.byteLength / 8) * 8)
  batch.copyTo(bytes, 0)
  return { bytes, count: batch.count }
})

test('records of every shape, empty keys and values among them, are read as their format says, from any position on', () => {
  fc.assert(
    fc.property(FRAME, fc.nat(220), ({ bytes, count }, fromLsn) =>
      assertReadAlike(bytes, count, fromLsn + 1),
    ),
  )
})

test('damaged bytes, a cut end and a wrong count are told as a fault or read as what they are, and never throw', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })
  fc.assert(
    fc.property(FRAME, damage, fc.nat(40), fc.integer({ min: -2, max: 2 }), (frame, flips, cut, more) => {
      const bytes = Buffer.from(frame.bytes.subarray(0, Math.max(0, frame.bytes.length - cut)))
      if (bytes.length > 0) for (const [at, value] of flips) bytes[at % bytes.length] = value
      assertReadAlike(bytes, Math.max(0, frame.count + more))
    }),
    { numRuns: 300 },
  )
})

test('a key or value that is longer than any can be is no record, also where the frame has room for it', () => {
  const bytes = Buffer.alloc(8 + MAX_KEY_BYTES + 8)
  bytes.writeUInt32LE(2 ** 27, 0)
  bytes.writeUInt32LE(MAX_KEY_BYTES, 4)
  const told: Told[] = []
  assert.equal(decodeRecords(bytes, 0, bytes.length - 8, 1, 1, 1, collector(told)), undefined)
  assert.equal(told.length, 1)
  bytes.writeUInt32LE(MAX_KEY_BYTES + 1, 4)
  assert.match(
    decodeRecords(bytes, 0, bytes.length, 1, 1, 1, collector([])) ?? '',
    /longer key or value than any/,
  )
})
