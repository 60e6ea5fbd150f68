/**
 * Records of a fixed layout: no field names in the table, and every record of one layout is equally long, so
 * that replacing one never moves it. The fields follow each other in the order given, without padding,
 * little-endian:
 *
 *   int32, uint32   4 bytes                 float64, int64   8 bytes (int64 is a bigint)
 *   bool            1 byte, 0 or 1          { string: n }    2 bytes length, n bytes UTF-8, zeros at the end
 *
 * The codec's name is the layout (`struct{id:uint32,at:float64}`), or a hash of it where that is too long: two
 * openers whose layouts differ in any way do not meet. A value has exactly the fields of the layout: an unknown
 * or missing one is a TypeError that names it. Layouts cannot grow; that takes a new map.
 */
import { createHash } from 'node:crypto'
import { OperationError } from '../base/errors.js'
import { MAX_CODEC_NAME_BYTES } from '../base/limits.js'
import { type BytesCarried, builtIn, describe } from './codec.js'
import { storedView } from './stored-number.js'
import { type FieldKind, type FieldType, fieldKind } from './struct-field.js'

/** The layout: field name to type, in the order of the bytes. */
export type StructLayout = Readonly<Record<string, FieldType>>

/** The record that a layout describes. */
export type StructOf<L extends StructLayout> = {
  -readonly [Name in keyof L]: L[Name] extends 'int64'
    ? bigint
    : L[Name] extends 'bool'
      ? boolean
      : L[Name] extends { readonly string: number }
        ? string
        : number
}

interface Field extends FieldKind {
  readonly name: string
  readonly offset: number
}

const FIELD_NAME = /^[A-Za-z_$][\w$]*$/

/** A codec for records of `layout`. Throws a TypeError or RangeError for a layout that cannot be. */
export function struct<const L extends StructLayout>(layout: L): BytesCarried<StructOf<L>> {
  const fields = fieldsOf(layout)
  const byteLength = fields.reduce((sum, field) => sum + field.byteLength, 0)
  const name = nameOf(fields)
  return builtIn<BytesCarried<StructOf<L>>>({
    carrier: 'bytes',
    name,
    encode: (value) => encodeRecord(fields, byteLength, value),
    decode: (bytes) => decodeRecord(fields, storedView(bytes, byteLength, name)) as StructOf<L>,
  })
}

function fieldsOf(layout: StructLayout): readonly Field[] {
  if (typeof layout !== 'object' || layout === null || Array.isArray(layout)) {
    throw new TypeError(`the layout of a struct must be an object { field: type }, not ${describe(layout)}`)
  }
  let offset = 0
  const fields = Object.entries(layout).map(([name, type]) => {
    if (!FIELD_NAME.test(name) || name === '__proto__') {
      throw new TypeError(`'${name}' cannot be the name of a field: take letters, digits, _ and $`)
    }
    const kind = fieldKind(type, name)
    const field: Field = { ...kind, name, offset }
    offset += kind.byteLength
    return field
  })
  if (fields.length === 0) throw new TypeError('the layout of a struct needs at least one field')
  return fields
}

function nameOf(fields: readonly Field[]): string {
  const spelled = `struct{${fields.map((field) => `${field.name}:${field.spelled}`).join(',')}}`
  if (Buffer.byteLength(spelled) <= MAX_CODEC_NAME_BYTES) return spelled
  return `struct#${createHash('sha256').update(spelled).digest('hex').slice(0, 32)}`
}

function encodeRecord(fields: readonly Field[], byteLength: number, value: unknown): Uint8Array {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`a struct codec takes objects, not ${describe(value)}`)
  }
  const record: Readonly<Record<string, unknown>> = { ...value }
  const bytes = new Uint8Array(byteLength)
  const view = new DataView(bytes.buffer)
  for (const field of fields) {
    if (!Object.hasOwn(record, field.name)) throw new TypeError(`the field '${field.name}' is missing`)
    field.write(view, field.offset, record[field.name])
  }
  const names = Object.keys(record)
  if (names.length === fields.length) return bytes
  const unknownName = names.find((name) => !fields.some((field) => field.name === name))
  throw new TypeError(`the struct has no field '${unknownName}'`)
}

function decodeRecord(fields: readonly Field[], view: DataView): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const field of fields) {
    const value = field.read(view, field.offset)
    if (value === undefined) {
      throw new OperationError('BAD_VALUE', `the bytes of the field '${field.name}' are no ${field.spelled}`)
    }
    record[field.name] = value
  }
  return record
}
