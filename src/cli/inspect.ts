/** `hearth inspect NAME-or-DIR`: what lies in a named table, or in a data directory. */
import { Command } from 'commander'
import { inspectDirectory } from './inspect-directory.js'
import { inspectTable } from './inspect-table.js'
import { type TableOption, tableOrDirectory, withTableOrDirectory } from './table-or-directory.js'

interface InspectOptions extends TableOption {
  readonly json?: true
}

export function inspectCommand(): Command {
  return withTableOrDirectory(new Command('inspect'))
    .description('show what lies in a named table or a data directory')
    .option('--json', 'one JSON object')
    .action((argument: string | undefined, options: InspectOptions, command: Command) => {
      const meant = tableOrDirectory(argument, command)
      return 'table' in meant
        ? inspectTable(meant.table, options)
        : inspectDirectory(meant.directory, options)
    })
}
