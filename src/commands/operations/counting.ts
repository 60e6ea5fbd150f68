/**
 * Counting: decimal text under a key, changed in one atomic step.
 *
 * The value of a request is the difference; its flags say of which kind numbers are (NUMBER_KIND), its `first` is the
 * ttl of a key that is made here. The reply has the sum, and its remaining ttl as `second`. A sum out of range changes
 * nothing. Integers are read as strictly as Redis reads them, so both fronts count in the same entry.
 */
import { OperationError } from '../../base/errors.js'
import { ABSENT } from '../../store/store.js'
import { addIntegers, type Integer, parseInteger } from '../integer.js'
import {
  EFFECT,
  keyIn,
  NUMBER_KIND,
  type Operation,
  type OperationContext,
  type OperationMessage,
  replyWith,
  valueIn,
} from './operation.js'
import { expiryOf, remainingOf } from './ttl.js'

const { INT64, INT32, UINT32, FLOAT64 } = NUMBER_KIND
const KIND_NAMES = ['int64', 'int32', 'uint32', 'float64']
const FLOAT = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const ZERO = Buffer.from('0')
/** Digits of the longest float64, and some. */
const MAX_NUMBER_BYTES = 400

function increment({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const kind = request.flags
  if (KIND_NAMES[kind] === undefined) throw new RangeError('the kind of the number is none')
  const key = keyIn(request)
  const by = Buffer.from(valueIn(request))
  const expiryWhenMade = expiryOf(store, request.first)
  for (;;) {
    const entry = store.entry(key)
    const sum = add(kind, entry?.value ?? ZERO, by)
    const expiry = entry === undefined ? expiryWhenMade : entry.expiresAtMs
    if (!store.setIfVersion(key, sum, expiry, entry?.version ?? ABSENT)) continue
    replyWith(reply, sum)
    reply.second = expiry === 'none' ? Infinity : remainingOf(store, expiry)
    return
  }
}

function add(kind: number, old: Uint8Array, by: Uint8Array): Buffer {
  const sum = kind === FLOAT64 ? parseFloat64(old) + parseFloat64(by) : addIntegers(parse(old), parse(by))
  const isInRange =
    kind === FLOAT64
      ? Number.isFinite(sum)
      : kind === INT32
        ? sum === Number(sum) && (sum | 0) === sum
        : kind === UINT32
          ? sum === Number(sum) && sum >>> 0 === sum
          : kind === INT64 && sum !== undefined
  if (!isInRange)
    throw new OperationError(
      'BAD_VALUE',
      `the sum is out of the range of ${KIND_NAMES[kind]}: nothing was changed`,
    )
  return Buffer.from(String(sum), 'latin1')
}

function parse(bytes: Uint8Array): Integer {
  const value = parseInteger(bytes)
  if (value === undefined) throw notANumber('a whole number of 64 bits')
  return value
}

function parseFloat64(bytes: Uint8Array): number {
  const text = bytes.length > MAX_NUMBER_BYTES ? '' : Buffer.from(bytes).toString('latin1')
  const value = FLOAT.test(text) ? Number(text) : Number.NaN
  if (!Number.isFinite(value)) throw notANumber('a finite number')
  return value
}

function notANumber(wanted: string): OperationError {
  return new OperationError('BAD_VALUE', `what is stored is not the decimal text of ${wanted}`)
}

export const countingOperations = [
  { code: 14, name: 'increment', effect: EFFECT.KEY, run: increment },
] as const satisfies readonly Operation[]
