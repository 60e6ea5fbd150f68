/**
 * Commands that are families of their own (`CONFIG GET`, `CLIENT SETNAME`): the second argument picks the member,
 * in any case, from a `Map`, so that `__proto__` is just an unknown name.
 */
import { argument, textOf } from './arguments.js'
import type { CommandContext, Subcommand } from './command.js'
import { CommandError } from './command-error.js'

const MAX_QUOTED_BYTES = 128

/** Finds the member of `family` that `args[1]` names, by its name in lower case. Throws CommandError. */
export function findSubcommand(
  name: string,
  family: ReadonlyMap<string, Subcommand>,
  args: readonly Buffer[],
): { readonly name: string; readonly member: Subcommand } {
  const sent = argument(args, 1)
  const member = sent.toString('latin1', 0, MAX_QUOTED_BYTES).toLowerCase()
  const found = family.get(member)
  if (found === undefined) {
    throw new CommandError(
      `ERR unknown subcommand '${textOf(sent, MAX_QUOTED_BYTES)}'. Try ${name.toUpperCase()} HELP.`,
    )
  }
  if (!fitsArity(found.arity, args.length)) {
    throw new CommandError(`ERR wrong number of arguments for '${name}|${member}' command`)
  }
  return { name: member, member: found }
}

/** Runs the member of `family` that `args[1]` names. */
export function runSubcommand(
  name: string,
  family: ReadonlyMap<string, Subcommand>,
  context: CommandContext,
  args: readonly Buffer[],
): void {
  findSubcommand(name, family, args).member.run(context, args)
}

/** Whether `count` arguments, the name included, fit Redis's way of writing an arity. */
export function fitsArity(arity: number, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity
}
