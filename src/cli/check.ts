/** `hearth check DIR`: is all well with a data directory? Exit code 0 good, 1 damaged. */
import { Command } from 'commander'
import { checkDirectory } from './check-directory.js'

export function checkCommand(): Command {
  return new Command('check')
    .description('walk everything in a data directory and say whether it is good')
    .argument('<dir>', 'a data directory')
    .option('--json', 'one JSON object')
    .action((path: string, options: { json?: true }) => checkDirectory(path, options))
}
