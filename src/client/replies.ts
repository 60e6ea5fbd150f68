/**
 * What makes an answer of a reply: a function for each form that replies have. Some need the codec of the keys or the values;
 * these are made once for a client, so that no call makes one.
 *
 * They keep nothing of the reply, whose message is used again. Where decoding runs user code, which may ask the same client for
 * more, a list is copied before its first part is decoded.
 */
import { FieldReader } from '../commands/operations/fields.js'
import { type OperationMessage, STATUS, valueIn } from '../commands/operations/operation.js'
import type { Entry } from '../map/entry.js'
import type { StoreStats } from '../store/store.js'
import type { WireCodec } from './wire-codec.js'

export type Decode<R> = (reply: OperationMessage) => R

export interface Page<K> {
  readonly cursor: number
  readonly keys: K[]
}

export interface Hit {
  readonly value: number
  readonly remainingTtlMs: number
}

export interface StoredValue {
  readonly bytes: Buffer
  readonly version: number
}

export const isYes: Decode<boolean> = ({ code }) => code === STATUS.YES
export const isDone: Decode<void> = () => {}
export const firstOf: Decode<number> = ({ first }) => first
export const remainingOf: Decode<number | undefined> = ({ code, second }) =>
  code === STATUS.NO ? undefined : second
export const statsOf: Decode<StoreStats> = (reply) =>
  JSON.parse(valueIn(reply).toString('utf8')) as StoreStats
export const storedOf: Decode<StoredValue | undefined> = (reply) =>
  reply.code === STATUS.NO ? undefined : { bytes: Buffer.from(valueIn(reply)), version: reply.first }
export const bytesOf: Decode<Buffer> = (reply) => Buffer.from(valueIn(reply))

/** Undefined: absent. */
export function valueFrom<V>(values: WireCodec<V>): Decode<V | undefined> {
  return (reply) => (reply.code === STATUS.NO ? undefined : values.decodeIn(reply))
}

export function entryFrom<V>(values: WireCodec<V>): Decode<Entry<V> | undefined> {
  return (reply) => {
    if (reply.code === STATUS.NO) return undefined
    const { first: version, second: remainingTtlMs } = reply
    return { value: values.decodeIn(reply), version, remainingTtlMs }
  }
}

export function sumFrom<V>(values: WireCodec<V>): Decode<V> {
  return (reply) => values.decodeIn(reply)
}

export function hitFrom<V>(values: WireCodec<V>): Decode<Hit> {
  return (reply) => {
    const { second: remainingTtlMs } = reply
    return { value: values.decodeIn(reply) as number, remainingTtlMs }
  }
}

export function pageFrom<K>(keys: WireCodec<K>): Decode<Page<K>> {
  return (reply) => ({
    cursor: reply.first,
    keys: new FieldReader(listIn(reply, keys)).rest().map((key) => keys.decode(key)),
  })
}

/** As many values as the reply has, undefined for a key that is absent. */
export function manyFrom<V>(values: WireCodec<V>): Decode<(V | undefined)[]> {
  return (reply) => {
    const fields = new FieldReader(listIn(reply, values))
    return Array.from({ length: reply.first }, () => {
      const bytes = fields.nextOrAbsent()
      return bytes === undefined ? undefined : values.decode(bytes)
    })
  }
}

function listIn(reply: OperationMessage, codec: { readonly runsUserCode: boolean }): Buffer {
  return codec.runsUserCode ? Buffer.from(valueIn(reply)) : valueIn(reply)
}
