/**
 * Commands on keys, whatever their values: there or not, how long yet, and walking over all of them.
 *
 * A walk (SCAN, KEYS) takes no lock and is weakly consistent: what is there from its first step to its last is
 * seen exactly once, what comes or goes meanwhile may be seen or not.
 */
import { MAX_BATCH_KEYS } from '../base/limits.js'
import type { Store } from '../store/store.js'
import {
  argument,
  integerArgument,
  invalidExpireTime,
  momentMs,
  option,
  SYNTAX_ERROR,
  textOf,
} from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import { parseExpireOptions } from './expire-options.js'
import { Glob } from './glob.js'

const ONE_KEY = [1, 1, 1] as const
const EVERY_KEY = [1, -1, 1] as const
const NO_KEY = [0, 0, 0] as const
const DEFAULT_SCAN_COUNT = 10
/** Keys that KEYS asks for at a time. */
const WALK_COUNT = 1000
const MAX_UINT64 = 2n ** 64n - 1n
const MISSING = -2
const FOREVER = -1

/** For how many keys `did` holds; of several, all at one moment. */
function countKeys(
  { store, reply }: CommandContext,
  args: readonly Buffer[],
  did: (store: Store, key: Buffer) => boolean,
): void {
  if (args.length === 2) {
    reply.integer(did(store, argument(args, 1)) ? 1 : 0)
    return
  }
  let count = 0
  store.transact((own) => {
    count = 0
    for (let i = 1; i < args.length; i += 1) if (did(own, argument(args, i))) count += 1
  })
  reply.integer(count)
}

function deleteKeys(context: CommandContext, args: readonly Buffer[]): void {
  countKeys(context, args, (store, key) => store.delete(key))
}

function countExisting(context: CommandContext, args: readonly Buffer[]): void {
  countKeys(context, args, (store, key) => store.has(key))
}

function expire(context: CommandContext, args: readonly Buffer[], unitMs: 1 | 1000, absolute: boolean): void {
  const { store, reply } = context
  const allows = parseExpireOptions(args)
  const amount = integerArgument(args, 2)
  const nowMs = store.nowMs()
  const atMs = momentMs(amount, unitMs, absolute ? 0 : nowMs)
  if (atMs === undefined) throw invalidExpireTime(args)
  const isAllowed = allows === undefined ? undefined : (presentMs: number) => allows(presentMs, atMs)
  reply.integer(store.expireAt(argument(args, 1), atMs, isAllowed) ? 1 : 0)
}

/** Answers with what is left of a key's time (or the moment itself) in units of 1 or 1000 ms. */
function replyTtl(
  context: CommandContext,
  args: readonly Buffer[],
  unitMs: 1 | 1000,
  absolute: boolean,
): void {
  const { store, reply } = context
  const atMs = store.expiresAt(argument(args, 1))
  if (atMs === undefined) reply.integer(MISSING)
  else if (atMs === Infinity) reply.integer(FOREVER)
  else {
    const replyMs = absolute ? atMs : Math.max(0, atMs - store.nowMs())
    reply.integer(Math.floor((replyMs + (unitMs === 1000 ? 500 : 0)) / unitMs))
  }
}

interface ScanOptions {
  count: number
  glob: Glob | undefined
  /** False for `TYPE` of anything but string: nothing can match. */
  strings: boolean
}

function parseScanOptions(args: readonly Buffer[]): ScanOptions {
  const options: ScanOptions = { count: DEFAULT_SCAN_COUNT, glob: undefined, strings: true }
  for (let i = 2; i < args.length; i += 2) {
    const name = option(args, i)
    const value = args[i + 1]
    if (value === undefined) throw new CommandError(SYNTAX_ERROR)
    if (name === 'COUNT') {
      const count = integerArgument(args, i + 1)
      if (count < 1) throw new CommandError(SYNTAX_ERROR)
      options.count = Math.min(Number(count), MAX_BATCH_KEYS)
    } else if (name === 'MATCH') options.glob = new Glob(value)
    else if (name === 'TYPE') options.strings = value.toString('latin1').toLowerCase() === 'string'
    else throw new CommandError(SYNTAX_ERROR)
  }
  return options
}

/** Read as Redis reads it, by `strtoul`: signs count, nothing at all is 0, and what follows a NUL is not looked at. */
function parseCursor(bytes: Buffer): number {
  const text = textOf(bytes)
  if (!/^(?:[+-]?\d+)?$/.test(text)) throw new CommandError('ERR invalid cursor')
  const digits = BigInt(text.replace(/^[+-]/, ''))
  if (digits > MAX_UINT64) throw new CommandError('ERR invalid cursor')
  return Number(text.startsWith('-') ? (MAX_UINT64 + 1n - digits) & MAX_UINT64 : digits)
}

function scan({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const cursor = parseCursor(argument(args, 1))
  const { count, glob, strings } = parseScanOptions(args)
  // No store has handed out a cursor like this: there is nothing behind it.
  const page = Number.isSafeInteger(cursor) ? store.scan(cursor, count) : { cursor: 0, keys: [] }
  const keys = strings ? page.keys.filter((key) => glob?.matches(key) ?? true) : []
  reply.array(2)
  reply.bulk(String(page.cursor))
  reply.array(keys.length)
  for (const key of keys) reply.bulk(key)
}

function keys({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const glob = new Glob(argument(args, 1))
  const found: Buffer[] = []
  let cursor = 0
  do {
    const page = store.scan(cursor, WALK_COUNT)
    for (const key of page.keys) if (glob.matches(key)) found.push(key)
    cursor = page.cursor
  } while (cursor !== 0)
  reply.array(found.length)
  for (const key of found) reply.bulk(key)
}

function flush({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const mode = option(args, 1)
  if (args.length > 2 || (args.length === 2 && mode !== 'ASYNC' && mode !== 'SYNC'))
    throw new CommandError(SYNTAX_ERROR)
  store.clear()
  reply.simple('OK')
}

export const keyCommands = [
  { name: 'del', arity: -2, writes: true, keys: EVERY_KEY, run: deleteKeys },
  { name: 'unlink', arity: -2, writes: true, keys: EVERY_KEY, run: deleteKeys },
  { name: 'exists', arity: -2, writes: false, keys: EVERY_KEY, run: countExisting },
  { name: 'touch', arity: -2, writes: false, keys: EVERY_KEY, run: countExisting },
  { name: 'expire', arity: -3, writes: true, keys: ONE_KEY, run: (c, args) => expire(c, args, 1000, false) },
  { name: 'pexpire', arity: -3, writes: true, keys: ONE_KEY, run: (c, args) => expire(c, args, 1, false) },
  { name: 'expireat', arity: -3, writes: true, keys: ONE_KEY, run: (c, args) => expire(c, args, 1000, true) },
  { name: 'pexpireat', arity: -3, writes: true, keys: ONE_KEY, run: (c, args) => expire(c, args, 1, true) },
  { name: 'ttl', arity: 2, writes: false, keys: ONE_KEY, run: (c, args) => replyTtl(c, args, 1000, false) },
  { name: 'pttl', arity: 2, writes: false, keys: ONE_KEY, run: (c, args) => replyTtl(c, args, 1, false) },
  {
    name: 'expiretime',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: (c, args) => replyTtl(c, args, 1000, true),
  },
  {
    name: 'pexpiretime',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: (c, args) => replyTtl(c, args, 1, true),
  },
  {
    name: 'persist',
    arity: 2,
    writes: true,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.integer(store.persist(argument(args, 1)) ? 1 : 0),
  },
  {
    name: 'type',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.simple(store.has(argument(args, 1)) ? 'string' : 'none'),
  },
  { name: 'scan', arity: -2, writes: false, keys: NO_KEY, run: scan },
  { name: 'keys', arity: 2, writes: false, keys: NO_KEY, run: keys },
  {
    name: 'randomkey',
    arity: 1,
    writes: false,
    keys: NO_KEY,
    run: ({ store, reply }) => reply.bulk(store.randomKey()),
  },
  {
    name: 'dbsize',
    arity: 1,
    writes: false,
    keys: NO_KEY,
    run: ({ store, reply }) => reply.integer(store.size),
  },
  { name: 'flushall', arity: -1, writes: true, keys: NO_KEY, run: flush },
  { name: 'flushdb', arity: -1, writes: true, keys: NO_KEY, run: flush },
] as const satisfies readonly Command[]
