/**
 * The options of EXPIRE and its kin, as Redis 7 reads them: NX (only without an expiry), XX (only with one), GT and LT
 * (only a later or an earlier one; without an expiry counts as never). NX goes with none of the others, GT not with LT.
 */
import { option, textOf } from './arguments.js'
import { CommandError } from './command-error.js'

const FIRST_OPTION = 3

/** Whether a key may get the expiry `nextMs` in place of the present one (Infinity: none). */
type Allows = (presentMs: number, nextMs: number) => boolean

const RULES: Readonly<Record<string, Allows>> = Object.freeze({
  NX: (presentMs: number) => presentMs === Infinity,
  XX: (presentMs: number) => presentMs !== Infinity,
  GT: (presentMs: number, nextMs: number) => nextMs > presentMs,
  LT: (presentMs: number, nextMs: number) => nextMs < presentMs,
})

/** What the options allow; undefined where there are none. */
export function parseExpireOptions(args: readonly Buffer[]): Allows | undefined {
  const given = new Set<string>()
  for (let i = FIRST_OPTION; i < args.length; i += 1) {
    const name = option(args, i)
    if (!Object.hasOwn(RULES, name))
      throw new CommandError(`ERR Unsupported option ${textOf(args[i] ?? Buffer.alloc(0))}`)
    given.add(name)
  }
  if (given.has('NX') && given.size > 1)
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible')
  if (given.has('GT') && given.has('LT'))
    throw new CommandError('ERR GT and LT options at the same time are not compatible')
  if (given.size === 0) return undefined
  const rules = [...given].map((name) => RULES[name])
  return (presentMs, nextMs) => rules.every((rule) => rule?.(presentMs, nextMs) === true)
}
