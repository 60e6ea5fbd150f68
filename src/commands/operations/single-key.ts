/**
 * Operations on one key, each atomic. Requests carry a ttl as `first` (0: none) where one can be given; replies that say
 * a version carry it as `first` and the remaining ttl as `second`.
 */
import { OperationError } from '../../base/errors.js'
import { type Expiry, type Store, UNCHANGED } from '../../store/store.js'
import {
  EFFECT,
  FLAGS,
  keyIn,
  type Operation,
  type OperationContext,
  type OperationMessage,
  replyWhether,
  replyWith,
  STATUS,
  valueIn,
} from './operation.js'
import { expiryOf, momentOf, remainingOf } from './ttl.js'

const MAX_VERSION = 2 ** 32 - 1

/** Plain, keeping the ttl, or only where the entry still has version `second`. */
export function setAs(
  store: Store,
  key: Uint8Array,
  value: Uint8Array,
  { flags, first, second }: OperationMessage,
): void {
  const expiry: Expiry = (flags & FLAGS.KEEP_TTL) !== 0 ? 'keep' : expiryOf(store, first)
  if ((flags & FLAGS.IF_VERSION) === 0) store.set(key, value, expiry, 'always')
  else if (!Number.isInteger(second) || second < 0 || second > MAX_VERSION)
    throw new RangeError(`ifVersion must be a whole number from 0 to ${MAX_VERSION}, not ${second}`)
  else if (second === 0 || !store.setIfVersion(key, value, expiry, second))
    throw new OperationError(
      'ABORTED',
      `the entry no longer has version ${second}. Nothing was changed: read it again.`,
    )
}

/** The value is the expected one (`first` bytes of it) and the next one behind it. */
function compareAndSet(
  { store }: OperationContext,
  request: OperationMessage,
  reply: OperationMessage,
): void {
  const both = valueIn(request)
  const { first: expectedBytes } = request
  if (!Number.isInteger(expectedBytes) || expectedBytes < 0 || expectedBytes > both.length)
    throw new RangeError('the expected value does not lie within the request')
  const key = keyIn(request)
  const expected = both.subarray(0, expectedBytes)
  for (;;) {
    const entry = store.entry(key)
    const isSame = entry?.value.equals(expected) === true
    if (!isSame) {
      reply.code = STATUS.NO
      return
    }
    if (store.setIfVersion(key, both.subarray(expectedBytes), entry.expiresAtMs, entry.version)) return
  }
}

/** Deletes the key if its value is the request's. */
function compareAndDelete(
  { store }: OperationContext,
  request: OperationMessage,
  reply: OperationMessage,
): void {
  const expected = valueIn(request)
  let isSame = false
  store.update(keyIn(request), 'keep', (current) => {
    isSame = current?.equals(expected) === true
    return isSame ? undefined : UNCHANGED
  })
  replyWhether(reply, isSame)
}

function getEntry({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const entry = store.entry(keyIn(request))
  replyWith(reply, entry?.value)
  if (entry === undefined) return
  reply.first = entry.version
  reply.second = remainingOf(store, entry.expiresAtMs)
}

function remainingTtl({ store }: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const expiresAtMs = store.expiresAt(keyIn(request))
  if (expiresAtMs === undefined) reply.code = STATUS.NO
  else reply.second = remainingOf(store, expiresAtMs)
}

const { NONE, KEY } = EFFECT

export const singleKeyOperations = [
  {
    code: 1,
    name: 'get',
    effect: NONE,
    run: ({ store }, request, reply) => replyWith(reply, store.view(keyIn(request))),
  },
  {
    code: 2,
    name: 'has',
    effect: NONE,
    run: ({ store }, request, reply) => replyWhether(reply, store.has(keyIn(request))),
  },
  {
    code: 3,
    name: 'set',
    effect: KEY,
    run: ({ store }, request) => setAs(store, keyIn(request), valueIn(request), request),
  },
  {
    code: 4,
    name: 'insert',
    effect: KEY,
    run: ({ store }, request, reply) => {
      const expiry = expiryOf(store, request.first)
      replyWhether(reply, store.set(keyIn(request), valueIn(request), expiry, 'absent'))
    },
  },
  {
    code: 5,
    name: 'replace',
    effect: KEY,
    run: ({ store }, request, reply) =>
      replyWhether(reply, store.set(keyIn(request), valueIn(request), 'keep', 'present')),
  },
  {
    code: 6,
    name: 'delete',
    effect: KEY,
    run: ({ store }, request, reply) => replyWhether(reply, store.delete(keyIn(request))),
  },
  {
    code: 7,
    name: 'take',
    effect: KEY,
    run: ({ store }, request, reply) => replyWith(reply, store.take(keyIn(request))),
  },
  {
    code: 8,
    name: 'exchange',
    effect: KEY,
    run: ({ store }, request, reply) =>
      replyWith(reply, store.exchange(keyIn(request), valueIn(request), 'none', 'always').previous),
  },
  { code: 9, name: 'compareAndSet', effect: KEY, run: compareAndSet },
  { code: 10, name: 'getEntry', effect: NONE, run: getEntry },
  {
    code: 11,
    name: 'expire',
    effect: KEY,
    run: ({ store }, request, reply) =>
      replyWhether(reply, store.expireAt(keyIn(request), momentOf(store, request.first))),
  },
  {
    code: 12,
    name: 'persist',
    effect: KEY,
    run: ({ store }, request, reply) => replyWhether(reply, store.persist(keyIn(request))),
  },
  { code: 13, name: 'remainingTtl', effect: NONE, run: remainingTtl },
  { code: 15, name: 'compareAndDelete', effect: KEY, run: compareAndDelete },
] as const satisfies readonly Operation[]
