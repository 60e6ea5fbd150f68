/**
 * Counters: values that are decimal text, changed in one atomic step each. INCR and its kin count in int64;
 * INCRBYFLOAT adds as C's `long double` does. A key that is absent counts as 0; an expiry stays.
 */
import { argument, integerArgument, NOT_AN_INTEGER } from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import { addIntegers, type Integer, negateInteger, parseInteger } from './integer.js'
import {
  addLongDoubles,
  formatLongDouble,
  isInfinite,
  type LongDouble,
  parseLongDouble,
  ZERO as ZERO_FLOAT,
} from './long-double.js'

const ZERO = Buffer.from('0')
const OVERFLOW = 'ERR increment or decrement would overflow'
const ONE_KEY = [1, 1, 1] as const

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

function float(bytes: Uint8Array): LongDouble {
  const value = parseLongDouble(bytes)
  if (value === undefined) throw new CommandError('ERR value is not a valid float')
  return value
}

function incrementByFloat({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const by = float(argument(args, 2))
  let sum = ''
  store.update(argument(args, 1), 'keep', (current) => {
    const old = current === undefined ? ZERO_FLOAT : float(current)
    const isPossible = !isInfinite(old) && !isInfinite(by)
    const next = isPossible ? addLongDoubles(old, by) : undefined
    if (next === undefined || isInfinite(next)) {
      throw new CommandError('ERR increment would produce NaN or Infinity')
    }
    sum = formatLongDouble(next)
    return Buffer.from(sum, 'latin1')
  })
  reply.bulk(sum)
}

export const counterCommands = [
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
  { name: 'incrbyfloat', arity: 3, writes: true, keys: ONE_KEY, run: incrementByFloat },
] as const satisfies readonly Command[]
