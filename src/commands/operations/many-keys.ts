/**
 * Operations on many keys or on none. None of them is atomic as a whole, but each key is.
 *
 * `flush` brings what was acknowledged to disk; the writer thread does so itself, where there is one.
 *
 * Those that return lists stop at REPLY_BUDGET_BYTES, say how far they have come, and are asked again for the rest.
 */
import { OperationError } from '../../base/errors.js'
import { MAX_BATCH_KEYS, MAX_VALUE_BYTES } from '../../base/limits.js'
import { FieldReader, FieldWriter } from './fields.js'
import {
  EFFECT,
  type Operation,
  type OperationContext,
  type OperationMessage,
  REPLY_BUDGET_BYTES,
  replyWith,
  valueIn,
} from './operation.js'
import { setAs } from './single-key.js'

/** Most keys of one page of a scan. */
const MAX_SCAN_COUNT = 65_536
/** Keys asked of the store at a time, so that keys of the greatest length still fit a reply. */
const SCAN_STEP = 128

/** The request lists keys. The reply lists values, absent ones as such, for as many keys as `first` says. */
function getMany({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const keys = new FieldReader(valueIn(request))
  const values = new FieldWriter()
  let answered = 0
  while (!keys.isAtEnd && values.byteLength < REPLY_BUDGET_BYTES) {
    const value = store.view(keys.next())
    const isTooMuch = values.byteLength + FieldWriter.sizeOf(value?.length ?? 0) > MAX_VALUE_BYTES
    if (isTooMuch && answered > 0) break
    // A single value of the greatest length has no room for its own: it goes alone, by a plain get.
    if (isTooMuch) {
      answered = 0
      break
    }
    values.add(value)
    answered++
  }
  values.moveTo(reply)
  reply.first = answered
}

/** The request lists a key, its value, the next key... Each is stored by itself: an error leaves those before stored. */
function setMany({ store }: OperationContext, request: OperationMessage): void {
  const fields = new FieldReader(valueIn(request))
  for (let count = 0; !fields.isAtEnd; count++) {
    if (count === MAX_BATCH_KEYS) throw new RangeError(`a batch has at most ${MAX_BATCH_KEYS} keys`)
    const key = fields.next()
    setAs(store, key, fields.next(), request)
  }
}

/** From cursor `first`, about `second` keys. The reply lists them; its `first` is where to go on, 0 for the end. */
function scan({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const { first, second } = request
  if (!Number.isSafeInteger(first) || first < 0) throw new RangeError('the cursor of a scan cannot be one')
  if (!Number.isInteger(second) || second < 1)
    throw new RangeError('the count of a scan must be a whole number above 0')
  const wanted = Math.min(second, MAX_SCAN_COUNT)
  const keys = new FieldWriter()
  let cursor = first
  let found = 0
  do {
    const page = store.scan(cursor, Math.min(SCAN_STEP, wanted - found))
    for (const key of page.keys) keys.add(key)
    found += page.keys.length
    cursor = page.cursor
  } while (cursor !== 0 && found < wanted && keys.byteLength < REPLY_BUDGET_BYTES)
  keys.moveTo(reply)
  reply.first = cursor
}

const { NONE, ALL } = EFFECT

export const manyKeyOperations = [
  { code: 32, name: 'getMany', effect: NONE, run: getMany },
  { code: 33, name: 'setMany', effect: ALL, run: setMany },
  { code: 34, name: 'scan', effect: NONE, run: scan },
  {
    code: 35,
    name: 'size',
    effect: NONE,
    run: ({ store }, _request, reply) => {
      reply.first = store.size
    },
  },
  { code: 36, name: 'clear', effect: ALL, run: ({ store }) => store.clear() },
  {
    code: 37,
    name: 'stats',
    effect: NONE,
    run: ({ store }, _request, reply) => replyWith(reply, Buffer.from(JSON.stringify(store.stats()))),
  },
  {
    code: 38,
    name: 'flush',
    effect: NONE,
    run: () => {
      throw new OperationError(
        'REFUSED',
        'there is nothing to flush to: durability is off and no data is kept',
      )
    },
  },
] as const satisfies readonly Operation[]
