/** The flags that say which node a command talks to, and a connection to it for as long as the command runs. */
import type { Command } from 'commander'
import { RespClient } from '../client/resp-client.js'
import { setting, wholeNumber, withConfigFile } from './settings.js'

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

export const DEFAULT_NODE_HOST = '127.0.0.1'
export const DEFAULT_NODE_PORT = 6380
const MAX_PORT = 65_535

export function withNodeAddress(command: Command): Command {
  return withConfigFile(
    command
      .addOption(setting('--host <host>', 'address of the node').default(DEFAULT_NODE_HOST))
      .addOption(
        setting('--port <port>', 'its Redis protocol port')
          .default(DEFAULT_NODE_PORT)
          .argParser(wholeNumber(1, MAX_PORT)),
      ),
  )
}

/** Runs `work` on a connection and closes it, whatever happens. */
export async function withClient<T>(
  address: NodeAddress,
  work: (client: RespClient) => Promise<T>,
): Promise<T> {
  const client = await RespClient.connect(address.host, address.port)
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
