/** `hearth incr KEY [BY]`: adds to a number (an absent key counts as 0) and prints the new one. */
import { Command } from 'commander'
import { UsageError } from './exit.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printLine } from './output.js'

export function incrCommand(): Command {
  return withNodeAddress(new Command('incr').description('add to a number and print the sum'))
    .argument('<key>')
    .argument('[by]', 'may be negative', '1')
    .action(async (key: string, by: string, options: NodeAddress) => {
      if (!/^-?\d+$/.test(by)) throw new UsageError(`"${by}" is not a whole number`)
      printLine(String(await withClient(options, (client) => client.call('INCRBY', key, by))))
    })
}
