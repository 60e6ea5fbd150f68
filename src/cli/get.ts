/** `hearth get KEY`: the value's bytes and a newline; exit code 1 when there is no such key. */
import { Command } from 'commander'
import { answerNo } from './exit.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printJson, printLine } from './output.js'
import { recordOf } from './record.js'

export function getCommand(): Command {
  return withNodeAddress(new Command('get').description('print the value of a key'))
    .argument('<key>')
    .option('--json', 'print {key, value, ttlMs?} instead of the raw value')
    .action(async (key: string, options: NodeAddress & { json?: true }) => {
      const [value, ttlMs] = await withClient(options, (client) =>
        Promise.all([client.call('GET', key), client.call('PTTL', key)]),
      )
      if (!Buffer.isBuffer(value)) answerNo()
      else if (options.json === true) printJson(recordOf(Buffer.from(key), value, Number(ttlMs)))
      else printLine(value)
    })
}
