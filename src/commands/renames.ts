/** Commands that carry an entry from one key to another, with its expiry, at one moment. */
import type { Store } from '../store/store.js'
import { argument, option, SYNTAX_ERROR } from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import { checkDatabase } from './connection.js'

const TWO_KEYS = [1, 2, 1] as const

/** Gives `to` what is under `from`. True if there was something, and, unless `replaces`, nothing under `to`. */
function carry(store: Store, from: Buffer, to: Buffer, replaces: boolean): boolean {
  const entry = store.entry(from)
  if (entry === undefined || (!replaces && store.has(to))) return false
  store.set(to, entry.value, entry.expiresAtMs === Infinity ? 'none' : entry.expiresAtMs, 'always')
  return true
}

function rename({ store, reply }: CommandContext, args: readonly Buffer[], replaces: boolean): void {
  const from = argument(args, 1)
  const to = argument(args, 2)
  let happens = false
  store.transact((own) => {
    if (!own.has(from)) throw new CommandError('ERR no such key')
    happens = !from.equals(to) && carry(own, from, to, replaces)
    if (happens) own.delete(from)
  })
  if (replaces) reply.simple('OK')
  else reply.integer(happens ? 1 : 0)
}

function copy({ store, reply }: CommandContext, args: readonly Buffer[]): void {
  const from = argument(args, 1)
  const to = argument(args, 2)
  let replaces = false
  for (let i = 3; i < args.length; i += 1) {
    const word = option(args, i)
    if (word === 'REPLACE') replaces = true
    else if (word === 'DB' && i + 1 < args.length) {
      i += 1
      checkDatabase(args, i)
    } else throw new CommandError(SYNTAX_ERROR)
  }
  if (from.equals(to)) throw new CommandError('ERR source and destination objects are the same')
  let happens = false
  store.transact((own) => {
    happens = carry(own, from, to, replaces)
  })
  reply.integer(happens ? 1 : 0)
}

export const renameCommands = [
  { name: 'rename', arity: 3, writes: true, keys: TWO_KEYS, run: (c, args) => rename(c, args, true) },
  { name: 'renamenx', arity: 3, writes: true, keys: TWO_KEYS, run: (c, args) => rename(c, args, false) },
  { name: 'copy', arity: -3, writes: true, keys: TWO_KEYS, run: copy },
] as const satisfies readonly Command[]
