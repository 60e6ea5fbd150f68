/**
 * Commands on whole values: GET and SET with their variations, and the many-key forms, which read or write all their keys
 * at one moment.
 */
import { UNCHANGED } from '../store/store.js'
import { argument, integerArgument, invalidExpireTime, momentMs } from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import { parseGetexOptions, parseSetOptions } from './set-options.js'

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

/** Answers with the value and changes its expiry in the same step. */
function getWithExpiry({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const key = argument(args, 1)
  const nowMs = store.nowMs()
  const expiry = parseGetexOptions(args, nowMs)
  if (expiry === undefined) {
    reply.bulk(store.get(key))
    return
  }
  const error = expiry instanceof CommandError ? expiry : undefined
  const isPast = typeof expiry === 'number' && expiry <= nowMs
  let found: Buffer | undefined
  store.update(key, expiry instanceof CommandError ? 'keep' : expiry, (current) => {
    found = current
    if (current === undefined) return UNCHANGED
    if (error !== undefined) throw error
    return isPast ? undefined : current
  })
  reply.bulk(found)
}

function getMany({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const keys = args.slice(1)
  store.readMany(
    keys,
    () => {
      reply.rewind(0)
      reply.array(keys.length)
    },
    (value) => reply.copied(value),
  )
}

function setMany({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  if (args.length % 2 === 0) throw new CommandError("ERR wrong number of arguments for 'mset' command")
  store.setMany(keysOf(args), valuesOf(args))
  reply.simple('OK')
}

function setManyIfAbsent({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  if (args.length % 2 === 0) throw new CommandError("ERR wrong number of arguments for 'msetnx' command")
  const keys = keysOf(args)
  let happens = false
  store.transact((own) => {
    happens = !keys.some((key) => own.has(key))
    if (happens) own.setMany(keys, valuesOf(args))
  })
  reply.integer(happens ? 1 : 0)
}

/** `args` after the name: a key, its value, the next key. */
function keysOf(args: readonly Buffer[]): Buffer[] {
  return args.filter((_, at) => at % 2 === 1)
}

function valuesOf(args: readonly Buffer[]): Buffer[] {
  return args.filter((_, at) => at > 0 && at % 2 === 0)
}

export const stringCommands = [
  {
    name: 'get',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.copied(store.view(argument(args, 1))),
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
  { name: 'getex', arity: -2, writes: true, keys: ONE_KEY, run: getWithExpiry },
  { name: 'mget', arity: -2, writes: false, keys: [1, -1, 1], run: getMany },
  { name: 'mset', arity: -3, writes: true, keys: [1, -1, 2], run: setMany },
  { name: 'msetnx', arity: -3, writes: true, keys: [1, -1, 2], run: setManyIfAbsent },
] as const satisfies readonly Command[]
