/** `hearth check NAME-or-DIR`: is all well with a named table, or with a data directory? Exit code 0 good, 1 not. */
import { Command } from 'commander'
import { checkDirectory } from './check-directory.js'
import { checkTable } from './check-table.js'
import { isDirectoryArgument } from './data-directory.js'
import { UsageError } from './exit.js'

interface CheckOptions {
  readonly json?: true
  readonly holdUp?: true
}

export function checkCommand(): Command {
  return new Command('check')
    .description('walk everything in a named table or a data directory and say whether it is good')
    .argument('<name-or-dir>', "a named table, or a data directory (written as a path: './data')")
    .option('--hold-up', 'have all writers of the table wait meanwhile, so that all memory is accounted for')
    .option('--json', 'one JSON object')
    .action((argument: string, options: CheckOptions) => {
      if (!isDirectoryArgument(argument)) return checkTable(argument, options)
      if (options.holdUp === true) throw new UsageError('--hold-up is for named tables, not for directories')
      return checkDirectory(argument, options)
    })
}
