/**
 * The options of SET, as Redis 7 reads them: any order, EX PX EXAT PXAT KEEPTTL exclude each other, so do NX and
 * XX; GET goes with either. A time must be positive and within the 100 years that Hearth keeps.
 */
import type { Condition, Expiry, Store } from '../store/store.js'
import { integerArgument, invalidExpireTime, momentMs, option, SYNTAX_ERROR } from './arguments.js'
import { CommandError } from './command.js'

interface SetOptions {
  expiry: Expiry
  condition: Condition
  wantsPrevious: boolean
}

const FIRST_OPTION = 3

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
        // The same option twice is allowed, and the last counts.
        if (options.expiry === 'keep' || i + 1 === args.length) throw new CommandError(SYNTAX_ERROR)
        if (timeAt > 0 && option(args, timeAt) !== option(args, i)) throw new CommandError(SYNTAX_ERROR)
        timeAt = i
        i += 1
        break
      default:
        throw new CommandError(SYNTAX_ERROR)
    }
  }
  if (timeAt > 0) options.expiry = expiryAt(args, timeAt, store.nowMs())
  return options
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
