/** `hearth scan`: every key, a line each. Keys that are not text, or hold a newline, are told apart by `--json`. */
import { Command } from 'commander'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printLines } from './output.js'
import { textOrBase64 } from './record.js'
import { walkKeys } from './walk.js'

export function scanCommand(): Command {
  return withNodeAddress(new Command('scan').description('list the keys'))
    .option('--match <pattern>', 'only keys like this: * any run, ? any byte, [a-z] one of these')
    .option('--json', 'a line of JSON each: {key} or, if it is not text, {key64}')
    .action(async (options: NodeAddress & { match?: string; json?: true }) => {
      const lineOf = (key: Buffer): string =>
        options.json === true ? JSON.stringify(textOrBase64('key', key)) : key.toString('utf8')
      await withClient(options, async (client) => {
        for await (const keys of walkKeys(client, options.match)) await printLines(keys.map(lineOf))
      })
    })
}
