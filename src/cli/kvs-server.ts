/**
 * `bin/kvs_server`: the server of original 002 as a program. It serves a table by its name until Ctrl-C; `bin/kvs_client`
 * is its other end.
 */
import { Command, CommanderError } from 'commander'
import { KVSServer } from '../kvs/kvs-server.js'
import { EXIT, reportFailure } from './exit.js'
import { endQuietlyOnClosedPipe, printLine } from './output.js'
import { setting, wholeNumber } from './settings.js'

interface KvsServerFlags {
  readonly threads: number
  readonly stripes?: number
  readonly name: string
  readonly capacity: string
}

const DEFAULT_KVS_NAME = 'kvs'
const MAX_THREADS = 30
const MAX_STRIPES = 2 ** 17
const DEFAULT_THREADS = 4

const program = new Command('kvs_server')
  .description('serves a key-value table over shared memory, until Ctrl-C')
  .option('-n, --threads <n>', 'worker threads', wholeNumber(1, MAX_THREADS), DEFAULT_THREADS)
  .option('--stripes <n>', 'lock stripes of the table', wholeNumber(1, MAX_STRIPES))
  .addOption(setting('--name <name>', 'what clients ask for').default(DEFAULT_KVS_NAME))
  .addOption(setting('--capacity <size>', 'most memory for entries').default('256MiB'))
  .exitOverride()
  .action(main)

async function main({ threads, stripes, name, capacity }: KvsServerFlags): Promise<void> {
  const server = new KVSServer(name, { capacity, ...(stripes === undefined ? {} : { stripes }) })
  await server.start(threads)
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve())
  })
  printLine(`serving '${name}' with ${threads} worker threads; memory only; Ctrl-C stops it`)
  await asked
  const entries = server.storage_size()
  await server.stop()
  printLine(`stopped with ${entries} entries`)
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'kvs_server')
}
