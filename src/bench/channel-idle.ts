/** The program of a child process that is connected and does nothing, until it is told the end. */
import { once } from 'node:events'
import { Client } from '../client/client.js'
import { childRequest } from './child.js'

const client = await Client.connect(String(childRequest()))
process.send?.('connected')
await once(process, 'disconnect')
await client.close()
