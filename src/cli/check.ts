/** `hearth check NAME-or-DIR`: is all well with a named table, or with a data directory? Exit code 0 good, 1 not. */
import { Command } from 'commander'
import { checkDirectory } from './check-directory.js'
import { checkTable } from './check-table.js'
import { UsageError } from './exit.js'
import { type TableOption, tableOrDirectory, withTableOrDirectory } from './table-or-directory.js'

interface CheckOptions extends TableOption {
  readonly json?: true
  readonly holdUp?: true
}

export function checkCommand(): Command {
  return withTableOrDirectory(new Command('check'))
    .description('walk everything in a named table or a data directory and say whether it is good')
    .option('--hold-up', 'have all writers of the table wait meanwhile, so that all memory is accounted for')
    .option('--json', 'one JSON object')
    .action((argument: string | undefined, options: CheckOptions, command: Command) => {
      const meant = tableOrDirectory(argument, command)
      if ('table' in meant) return checkTable(meant.table, options)
      if (options.holdUp === true) throw new UsageError('--hold-up is for named tables, not for directories')
      return checkDirectory(meant.directory, options)
    })
}
