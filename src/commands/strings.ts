/**
 * Commands on values: GET, SET and its older spellings, counters, and the many-key forms.
 *
 * MSET is a unit for one key at a time, not for all: another client can see some keys new and others old, and one
 * that meets a full table keeps what it had stored. Its keys and values are checked before the first is stored.
 */
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { UNCHANGED } from '../store/store.js'
import { argument, integerArgument, invalidExpireTime, momentMs, NOT_AN_INTEGER } from './arguments.js'
import { type Command, type CommandContext, CommandError } from './command.js'
import { addIntegers, type Integer, negateInteger, parseInteger } from './integer.js'
import { parseSetOptions } from './set-options.js'

const ZERO = Buffer.from('0')
const OVERFLOW = 'ERR increment or decrement would overflow'
const ONE_KEY = [1, 1, 1] as const

function set(context: CommandContext, args: readonly Buffer[]): void {
  const { store, reply } = context
  const key = argument(args, 1)
  const value = argument(args, 2)
  if (args.length === 3) {
    store.set(key, value, 'none', 'always')
    reply.simple('OK')
    return
  }
  const { expiry, condition, wantsPrevious } = parseSetOptions(args, store)
  if (wantsPrevious) reply.bulk(store.exchange(key, value, expiry, condition).previous)
  else if (store.set(key, value, expiry, condition)) reply.simple('OK')
  else reply.null()
}

function setWithTtl(context: CommandContext, args: readonly Buffer[], unitMs: 1 | 1000): void {
  const { store, reply } = context
  const ttl = integerArgument(args, 2)
  const nowMs = store.nowMs()
  const expiry = ttl > 0 ? momentMs(ttl, unitMs, nowMs) : undefined
  if (expiry === undefined) throw invalidExpireTime(args)
  store.set(argument(args, 1), argument(args, 3), expiry, 'always')
  reply.simple('OK')
}

function addTo({ store, reply }: CommandContext, key: Buffer, by: Integer): void {
  let sum: Integer = 0
  store.update(key, 'keep', (current) => {
    const old = parseInteger(current ?? ZERO)
    if (old === undefined) throw new CommandError(NOT_AN_INTEGER)
    const next = addIntegers(old, by)
    if (next === undefined) throw new CommandError(OVERFLOW)
    sum = next
    return Buffer.from(String(next), 'latin1')
  })
  reply.integer(sum)
}

function decrementBy(context: CommandContext, args: readonly Buffer[]): void {
  const by = negateInteger(integerArgument(args, 2))
  if (by === undefined) throw new CommandError('ERR decrement would overflow')
  addTo(context, argument(args, 1), by)
}

function append({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const tail = argument(args, 2)
  let length = 0
  store.update(argument(args, 1), 'keep', (current) => {
    length = (current?.length ?? 0) + tail.length
    if (length > MAX_VALUE_BYTES)
      throw new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)')
    if (current !== undefined && tail.length === 0) return UNCHANGED
    return current === undefined ? tail : Buffer.concat([current, tail])
  })
  reply.integer(length)
}

function getMany({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  reply.array(args.length - 1)
  for (let i = 1; i < args.length; i += 1) reply.bulk(store.get(argument(args, i)))
}

function setMany({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  if (args.length % 2 === 0) throw new CommandError("ERR wrong number of arguments for 'mset' command")
  for (let i = 1; i < args.length; i += 2) checkKey(argument(args, i))
  for (let i = 1; i < args.length; i += 2)
    store.set(argument(args, i), argument(args, i + 1), 'none', 'always')
  reply.simple('OK')
}

function checkKey(key: Buffer): void {
  if (key.length > MAX_KEY_BYTES) throw new RangeError(`a key holds at most ${MAX_KEY_BYTES} bytes`)
}

export const stringCommands = [
  {
    name: 'get',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.bulk(store.get(argument(args, 1))),
  },
  { name: 'set', arity: -3, writes: true, keys: ONE_KEY, run: set },
  {
    name: 'setnx',
    arity: 3,
    writes: true,
    keys: ONE_KEY,
    run: ({ store, reply }, args) =>
      reply.integer(store.set(argument(args, 1), argument(args, 2), 'none', 'absent') ? 1 : 0),
  },
  { name: 'setex', arity: 4, writes: true, keys: ONE_KEY, run: (c, args) => setWithTtl(c, args, 1000) },
  { name: 'psetex', arity: 4, writes: true, keys: ONE_KEY, run: (c, args) => setWithTtl(c, args, 1) },
  {
    name: 'getset',
    arity: 3,
    writes: true,
    keys: ONE_KEY,
    run: ({ store, reply }, args) =>
      reply.bulk(store.exchange(argument(args, 1), argument(args, 2), 'none', 'always').previous),
  },
  {
    name: 'getdel',
    arity: 2,
    writes: true,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.bulk(store.take(argument(args, 1))),
  },
  {
    name: 'strlen',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.integer(store.get(argument(args, 1))?.length ?? 0),
  },
  { name: 'append', arity: 3, writes: true, keys: ONE_KEY, run: append },
  { name: 'incr', arity: 2, writes: true, keys: ONE_KEY, run: (c, args) => addTo(c, argument(args, 1), 1) },
  { name: 'decr', arity: 2, writes: true, keys: ONE_KEY, run: (c, args) => addTo(c, argument(args, 1), -1) },
  {
    name: 'incrby',
    arity: 3,
    writes: true,
    keys: ONE_KEY,
    run: (c, args) => addTo(c, argument(args, 1), integerArgument(args, 2)),
  },
  { name: 'decrby', arity: 3, writes: true, keys: ONE_KEY, run: decrementBy },
  { name: 'mget', arity: -2, writes: false, keys: [1, -1, 1], run: getMany },
  { name: 'mset', arity: -3, writes: true, keys: [1, -1, 2], run: setMany },
] as const satisfies readonly Command[]
