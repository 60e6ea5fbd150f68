/**
 * The argument of commands that look at a named table or at a data directory. What is written as a path, or is a directory
 * that is there, is a directory; `--name` means a table whatever its name looks like, since names may hold any characters.
 */
import { statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { UsageError } from './exit.js'

export interface TableOption {
  readonly name?: string
}

/** What was meant: one of the two. */
export type TableOrDirectory = { readonly table: string } | { readonly directory: string }

export function withTableOrDirectory(command: Command): Command {
  return command
    .argument('[name-or-dir]', "a named table, or a data directory (written as a path: './data')")
    .addOption(new Option('--name <name>', 'a named table, also if its name looks like a path'))
}

/**
 * Throws {@link UsageError} unless exactly one of argument and `--name` is there. A name that a variable or a file of settings
 * has (`HEARTH_NAME`, that of the node) counts where no argument is given.
 */
export function tableOrDirectory(argument: string | undefined, command: Command): TableOrDirectory {
  const { name } = command.opts<TableOption>()
  if (argument !== undefined && command.getOptionValueSource('name') === 'cli')
    throw new UsageError(`what is meant, ${argument} or the table ${name}? Give one of them`)
  if (argument === undefined && name !== undefined) return { table: name }
  if (argument === undefined) throw new UsageError('name a table or a data directory')
  const isThere = statSync(argument, { throwIfNoEntry: false }) !== undefined
  if (isThere && statSync(argument).isDirectory()) return { directory: argument }
  if (!argument.includes('/')) return { table: argument }
  if (isThere) return { directory: argument }
  throw new UsageError(`there is no directory ${argument}; if a table has that name, say --name ${argument}`)
}
