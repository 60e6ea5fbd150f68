/**
 * Several keys at one moment, for a client: read together, changed by the caller's function, and written together if
 * nobody was faster; else again. See rounds.ts for what a generator here is.
 */
import { MAX_MESSAGE_VALUE_BYTES } from '../base/limits.js'
import { FieldReader, FieldWriter } from '../commands/operations/fields.js'
import { type OperationMessage, STATUS, valueIn } from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import { numberField, VERSION_BYTES } from '../commands/operations/together.js'
import { checkFunction, checkIterable } from '../map/arguments.js'
import { ABSENT } from '../store/store.js'
import type { Decode } from './replies.js'
import { bytesFrom, type Requests } from './requests.js'
import { ask, type Rounds } from './rounds.js'

/** What a transaction changes: keys with their new values, undefined to delete. Nothing: it only reads. */
export type Changes<K, V> = Iterable<readonly [K, V | undefined]> | undefined

/** The values of `keys`, in their order, as they were at one moment. */
export type Change<K, V> = (values: (V | undefined)[]) => Changes<K, V>

interface Seen {
  readonly version: number
  readonly bytes: Buffer | undefined
}

/** Returns the values that the change was made from. */
export function* transaction<K, V>(
  requests: Requests<K, V>,
  keys: Iterable<K>,
  change: Change<K, V>,
): Rounds<(V | undefined)[]> {
  checkIterable(keys, 'transaction takes an array or another iterable of keys')
  checkFunction(change, 'transaction')
  const names = Array.from(keys, (key) => Buffer.from(bytesFrom(requests.keys.prepare(key), 'key')))
  for (;;) {
    const seen = yield* ask(readTogether(requests, names))
    const values = seen.map(({ bytes }) => (bytes === undefined ? undefined : requests.values.decode(bytes)))
    const changes = encodeChanges(requests, change(values.slice()))
    if (changes.length === 0) return values
    if (yield* ask(writeTogether(requests, names, seen, changes))) return values
  }
}

function encodeChanges<K, V>(
  requests: Requests<K, V>,
  changes: Changes<K, V>,
): (readonly [Uint8Array, Uint8Array | undefined])[] {
  if (changes === undefined) return []
  checkIterable(changes, 'the function of a transaction returns an array of [key, value]')
  return Array.from(changes, (entry) => {
    checkIterable(entry, 'a change of a transaction is a [key, value]')
    const [key, value] = entry
    const bytes = value === undefined ? undefined : bytesFrom(requests.values.prepare(value), 'value')
    return [bytesFrom(requests.keys.prepare(key), 'key'), bytes] as const
  })
}

function readTogether<K, V>(requests: Requests<K, V>, names: readonly Uint8Array[]): Decode<Seen[]> {
  const fields = new FieldWriter()
  for (const name of names) fields.add(name)
  fill(requests, OPERATIONS.readTogether, fields)
  return (reply) => {
    const found = new FieldReader(Buffer.from(valueIn(reply)))
    return names.map(() => {
      const entry = found.nextOrAbsent()
      if (entry === undefined) return { version: ABSENT, bytes: undefined }
      return { version: entry.readUInt32LE(), bytes: entry.subarray(VERSION_BYTES) }
    })
  }
}

function writeTogether<K, V>(
  requests: Requests<K, V>,
  names: readonly Uint8Array[],
  seen: readonly Seen[],
  changes: readonly (readonly [Uint8Array, Uint8Array | undefined])[],
): Decode<boolean> {
  const fields = new FieldWriter()
  fields.add(numberField(names.length))
  names.forEach((name, i) => {
    fields.add(name)
    fields.add(numberField(seen[i]?.version ?? ABSENT))
  })
  for (const [key, value] of changes) {
    fields.add(key)
    fields.add(value)
  }
  fill(requests, OPERATIONS.writeTogether, fields)
  return ({ code }: OperationMessage) => code === STATUS.YES
}

/** Throws RangeError for more than one message takes, which the server would end the connection for. */
export function fill<K, V>(
  requests: Requests<K, V>,
  operation: (typeof OPERATIONS)['readTogether'],
  fields: Pick<FieldWriter, 'byteLength' | 'moveTo'>,
): void {
  const { byteLength } = fields
  if (byteLength > MAX_MESSAGE_VALUE_BYTES)
    throw new RangeError(
      `a transaction of ${byteLength} bytes: one request of it takes at most ${MAX_MESSAGE_VALUE_BYTES}`,
    )
  requests.message.clear(operation.code)
  requests.effect = operation.effect
  fields.moveTo(requests.message)
}
