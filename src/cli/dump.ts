/**
 * `hearth dump`: every entry as a line of JSON (see record.ts), to be read back by `hearth load`. It walks while
 * others write: each line is an entry as it stood at some moment of the walk, not all of them at one moment.
 */
import { Command } from 'commander'
import type { RespClient } from '../client/resp-client.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printLines } from './output.js'
import { recordOf } from './record.js'
import { walkKeys } from './walk.js'

async function lineOf(client: RespClient, key: Buffer): Promise<string | undefined> {
  const [value, pttlMs] = await Promise.all([client.call('GET', key), client.call('PTTL', key)])
  // Deleted or expired since the walk saw it.
  if (!Buffer.isBuffer(value)) return undefined
  return JSON.stringify(recordOf(key, value, Number(pttlMs)))
}

export function dumpCommand(): Command {
  return withNodeAddress(new Command('dump').description('print every entry as a line of JSON'))
    .option('--match <pattern>', 'only keys like this: * any run, ? any byte, [a-z] one of these')
    .action(async (options: NodeAddress & { match?: string }) => {
      await withClient(options, async (client) => {
        for await (const keys of walkKeys(client, options.match)) {
          const lines = await Promise.all(keys.map((key) => lineOf(client, key)))
          await printLines(lines.filter((line) => line !== undefined))
        }
      })
    })
}
