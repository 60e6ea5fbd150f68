/** `hearth inspect NAME-or-DIR`: what lies in a named table, or in a data directory. */
import { Command } from 'commander'
import { isDirectoryArgument } from './data-directory.js'
import { inspectDirectory } from './inspect-directory.js'
import { inspectTable } from './inspect-table.js'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what lies in a named table or a data directory')
    .argument('<name-or-dir>', "a named table, or a data directory (written as a path: './data')")
    .option('--json', 'one JSON object')
    .action((argument: string, options: { json?: true }) =>
      isDirectoryArgument(argument) ? inspectDirectory(argument, options) : inspectTable(argument, options),
    )
}
