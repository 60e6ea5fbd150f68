/** `hearth inspect DIR`: what lies in a data directory. */
import { Command } from 'commander'
import { inspectDirectory } from './inspect-directory.js'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what lies in a data directory')
    .argument('<dir>', 'a data directory')
    .option('--json', 'one JSON object')
    .action((path: string, options: { json?: true }) => inspectDirectory(path, options))
}
