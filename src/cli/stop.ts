/** `hearth stop`: asks the node to stop in order and waits until it has let go. */
import { Command } from 'commander'
import { isOperationError } from '../base/errors.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'

export function stopCommand(): Command {
  return withNodeAddress(new Command('stop').description('stop the node in order')).action(
    async (options: NodeAddress) => {
      await withClient(options, async (client) => {
        try {
          await client.call('SHUTDOWN', 'NOSAVE')
        } catch (error) {
          // The closing of the connection is the answer.
          if (!isOperationError(error, 'SERVER_GONE')) throw error
        }
      })
    },
  )
}
