/**
 * Commands on parts of a value: APPEND, STRLEN, GETRANGE (SUBSTR is its older name) and SETRANGE. Positions count
 * bytes; negative ones of a range count from the end. Changes are one atomic step each and leave the expiry alone.
 */
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { UNCHANGED } from '../store/store.js'
import { argument, integerArgument } from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'

const ONE_KEY = [1, 1, 1] as const
const TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)'

function checkLength(bytes: number): void {
  if (bytes > MAX_VALUE_BYTES) throw new CommandError(TOO_LONG)
}

function append({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const tail = argument(args, 2)
  let length = 0
  store.update(argument(args, 1), 'keep', (current) => {
    length = (current?.length ?? 0) + tail.length
    checkLength(length)
    // An empty tail is a write as well: who watches the key is told.
    return current === undefined ? tail : Buffer.concat([current, tail])
  })
  reply.integer(length)
}

function getRange({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  // As doubles, int64 edges lose digits, but not their place beyond any length.
  const first = Number(integerArgument(args, 2))
  const last = Number(integerArgument(args, 3))
  const value = store.get(argument(args, 1))
  if (value === undefined || (first < 0 && last < 0 && first > last)) {
    reply.bulk('')
    return
  }
  const from = first < 0 ? Math.max(0, value.length + first) : first
  // An end before the beginning means the first byte, as it does in Redis.
  const to = last < 0 ? Math.max(0, value.length + last) : Math.min(last, value.length - 1)
  reply.bulk(value.subarray(from, Math.max(from, to + 1)))
}

function setRange({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const offset = Number(integerArgument(args, 2))
  if (offset < 0) throw new CommandError('ERR offset is out of range')
  const part = argument(args, 3)
  let length = 0
  store.update(argument(args, 1), 'keep', (current) => {
    const old = current?.length ?? 0
    length = old
    if (part.length === 0) return UNCHANGED
    checkLength(offset + part.length)
    length = Math.max(old, offset + part.length)
    const next = Buffer.alloc(length)
    if (current !== undefined) next.set(current, 0)
    next.set(part, offset)
    return next
  })
  reply.integer(length)
}

export const substringCommands = [
  {
    name: 'strlen',
    arity: 2,
    writes: false,
    keys: ONE_KEY,
    run: ({ store, reply }, args) => reply.integer(store.view(argument(args, 1))?.length ?? 0),
  },
  { name: 'append', arity: 3, writes: true, keys: ONE_KEY, run: append },
  { name: 'getrange', arity: 4, writes: false, keys: ONE_KEY, run: getRange },
  { name: 'substr', arity: 4, writes: false, keys: ONE_KEY, run: getRange },
  { name: 'setrange', arity: 4, writes: true, keys: ONE_KEY, run: setRange },
] as const satisfies readonly Command[]
