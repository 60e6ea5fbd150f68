/**
 * The options of SET, as Redis 7 reads them: any order, EX PX EXAT PXAT KEEPTTL exclude each other, so do NX and
 * XX; GET goes with either. GETEX has the same times, and PERSIST in place of KEEPTTL. A time must be positive.
 */
import type { Condition, Expiry, Store } from '../store/store.js'
import { integerArgument, invalidExpireTime, momentMs, option, SYNTAX_ERROR } from './arguments.js'
import { CommandError } from './command-error.js'

interface SetOptions {
  expiry: Expiry
  condition: Condition
  wantsPrevious: boolean
}

const FIRST_OPTION = 3
const FIRST_GETEX_OPTION = 2
const TIMES: ReadonlySet<string> = new Set(['EX', 'PX', 'EXAT', 'PXAT'])

export function parseSetOptions(args: readonly Buffer[], store: Store): SetOptions {
  const options: SetOptions = { expiry: 'none', condition: 'always', wantsPrevious: false }
  let timeAt = 0
  for (let i = FIRST_OPTION; i < args.length; i += 1) {
    switch (option(args, i)) {
      case 'NX':
        setCondition(options, 'absent')
        break
      case 'XX':
        setCondition(options, 'present')
        break
      case 'GET':
        options.wantsPrevious = true
        break
      case 'KEEPTTL':
        if (timeAt > 0) throw new CommandError(SYNTAX_ERROR)
        options.expiry = 'keep'
        break
      case 'EX':
      case 'PX':
      case 'EXAT':
      case 'PXAT':
        if (options.expiry === 'keep') throw new CommandError(SYNTAX_ERROR)
        timeAt = checkedTimeAt(args, i, timeAt)
        i += 1
        break
      default:
        throw new CommandError(SYNTAX_ERROR)
    }
  }
  if (timeAt > 0) options.expiry = expiryAt(args, timeAt, store.nowMs())
  return options
}

/**
 * What the options of GETEX make of the expiry; `undefined` without one. A time that cannot be is returned, not thrown:
 * Redis says so only where the key is there.
 */
export function parseGetexOptions(args: readonly Buffer[], nowMs: number): Expiry | CommandError | undefined {
  let timeAt = 0
  let persists = false
  for (let i = FIRST_GETEX_OPTION; i < args.length; i += 1) {
    const name = option(args, i)
    if (name === 'PERSIST' && timeAt === 0) persists = true
    else if (TIMES.has(name) && !persists) {
      timeAt = checkedTimeAt(args, i, timeAt)
      i += 1
    } else throw new CommandError(SYNTAX_ERROR)
  }
  if (persists) return 'none'
  return timeAt === 0 ? undefined : expiryOrError(args, timeAt, nowMs)
}

function expiryOrError(args: readonly Buffer[], index: number, nowMs: number): number | CommandError {
  try {
    return expiryAt(args, index, nowMs)
  } catch (error) {
    if (error instanceof CommandError) return error
    throw error
  }
}

/** `index`, if the option there has a number behind it and is none but the one at `before` (0: none) again. */
function checkedTimeAt(args: readonly Buffer[], index: number, before: number): number {
  // The same option twice is allowed, and the last counts.
  const isAnother = before > 0 && option(args, before) !== option(args, index)
  if (isAnother || index + 1 === args.length) throw new CommandError(SYNTAX_ERROR)
  return index
}

function setCondition(options: SetOptions, condition: Condition): void {
  if (options.condition !== 'always' && options.condition !== condition) throw new CommandError(SYNTAX_ERROR)
  options.condition = condition
}

/** The moment that the option at `index` and its number say. */
function expiryAt(args: readonly Buffer[], index: number, nowMs: number): number {
  const name = option(args, index)
  const amount = integerArgument(args, index + 1)
  const baseMs = name.endsWith('AT') ? 0 : nowMs
  const atMs = amount > 0 ? momentMs(amount, name.startsWith('E') ? 1000 : 1, baseMs) : undefined
  if (atMs === undefined) throw invalidExpireTime(args)
  return atMs
}
