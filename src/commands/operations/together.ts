/**
 * Several keys at one moment: read together, or changed together if what was read is still so.
 *
 *   readTogether    value: keys                                       reply: for each its version and value, or absent
 *   writeTogether   value: number watched | key | version | ... | key | new value, absent to delete | ...
 *
 * Keys and values are fields (fields.ts); a number is a field of 4 bytes, little-endian, and version and value of an entry
 * are one field. Version 0 watches for a key that is not there. A key that is changed keeps its ttl.
 */
import { MAX_BATCH_KEYS, MAX_VALUE_BYTES } from '../../base/limits.js'
import type { WatchedKey } from '../../store/store.js'
import { FieldReader, FieldWriter } from './fields.js'
import {
  EFFECT,
  type Operation,
  type OperationContext,
  type OperationMessage,
  replyWhether,
  valueIn,
} from './operation.js'

export const VERSION_BYTES = 4

function readTogether({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const keys = keysIn(new FieldReader(valueIn(request)))
  const entries = new FieldWriter()
  store.transact((view) => {
    entries.clear()
    for (const key of keys) {
      const entry = view.entry(key)
      entries.add(entry === undefined ? undefined : Buffer.concat([numberField(entry.version), entry.value]))
      if (entries.byteLength > MAX_VALUE_BYTES)
        throw new RangeError(
          `together these values take more than the ${MAX_VALUE_BYTES} bytes that one reply may`,
        )
    }
  })
  entries.moveTo(reply)
}

function writeTogether(
  { store }: OperationContext,
  request: OperationMessage,
  reply: OperationMessage,
): void {
  const fields = new FieldReader(valueIn(request))
  const watched: WatchedKey[] = []
  for (let left = countIn(fields); left > 0; left--)
    watched.push({ key: fields.next(), version: numberIn(fields) })
  const changes: (readonly [key: Buffer, value: Buffer | undefined])[] = []
  while (!fields.isAtEnd) changes.push([fields.next(), fields.nextOrAbsent()])
  const isDone = store.transact((view) => {
    for (const [key, value] of changes) {
      if (value === undefined) view.delete(key)
      else view.set(key, value, 'keep', 'always')
    }
  }, watched)
  replyWhether(reply, isDone)
}

export function numberField(value: number): Buffer {
  const field = Buffer.alloc(VERSION_BYTES)
  field.writeUInt32LE(value)
  return field
}

function keysIn(fields: FieldReader): Buffer[] {
  const keys = fields.rest()
  if (keys.length > MAX_BATCH_KEYS) throw new RangeError(`a transaction has at most ${MAX_BATCH_KEYS} keys`)
  return keys
}

function countIn(fields: FieldReader): number {
  const count = numberIn(fields)
  if (count > MAX_BATCH_KEYS) throw new RangeError(`a transaction has at most ${MAX_BATCH_KEYS} keys`)
  return count
}

function numberIn(fields: FieldReader): number {
  const field = fields.next()
  if (field.length !== VERSION_BYTES) throw new RangeError('a number in a message has another length')
  return field.readUInt32LE()
}

export const togetherOperations = [
  { code: 40, name: 'readTogether', effect: EFFECT.NONE, run: readTogether },
  { code: 41, name: 'writeTogether', effect: EFFECT.ALL, run: writeTogether },
] as const satisfies readonly Operation[]
