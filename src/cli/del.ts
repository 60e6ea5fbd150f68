/** `hearth del KEY...`: deletes; exit code 1 when none of the keys was there. */
import { Command } from 'commander'
import { answerNo } from './exit.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printJson } from './output.js'

export function delCommand(): Command {
  return withNodeAddress(new Command('del').alias('delete').description('delete keys'))
    .argument('<keys...>')
    .option('--json', 'print {deleted: number of keys that were there}')
    .action(async (keys: string[], options: NodeAddress & { json?: true }) => {
      const deleted = Number(await withClient(options, (client) => client.call('DEL', ...keys)))
      if (options.json === true) printJson({ deleted })
      if (deleted === 0) answerNo()
    })
}
