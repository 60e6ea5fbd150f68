/**
 * `bin/server`: the server of original 001. One table of whole numbers of 32 bits in shared memory, served by `-n` threads
 * to the processes that know its name; it begins with room for `-s` entries and grows. Memory only.
 */
import { Command, CommanderError } from 'commander'
import { Server } from '../server/server.js'
import { EXIT, reportFailure } from './exit.js'
import { DEFAULT_ORIGINAL_NAME } from './forked-server.js'
import { endQuietlyOnClosedPipe, printLine } from './output.js'
import { setting, wholeNumber } from './settings.js'

interface ServerFlags {
  readonly threads: number
  readonly tableSize: number
  readonly name: string
  readonly capacity: string
  readonly untilInputEnds?: true
}

const MAX_THREADS = 30
const MAX_TABLE_SIZE = 1_000_000_000

const program = new Command('server')
  .description('serves a table of numbers over shared memory, until Ctrl-C')
  .option('-n, --threads <n>', 'server threads', wholeNumber(1, MAX_THREADS), 1)
  .option(
    '-s, --table-size <n>',
    'entries that it begins with room for',
    wholeNumber(1, MAX_TABLE_SIZE),
    1000,
  )
  .addOption(setting('--name <name>', 'what clients ask for').default(DEFAULT_ORIGINAL_NAME))
  .addOption(setting('--capacity <size>', 'most memory for entries').default('1GiB'))
  .option('--until-input-ends', 'stop when standard input ends, too')
  .exitOverride()
  .action(main)

async function main({ threads, tableSize, name, capacity, untilInputEnds }: ServerFlags): Promise<void> {
  const server = await Server.start({
    name,
    laneWorkers: threads,
    initialSize: tableSize,
    capacity,
    durability: 'off',
  })
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve())
    if (untilInputEnds === true)
      process.stdin
        .once('end', resolve)
        .once('error', () => resolve())
        .resume()
  })
  printLine(
    `serving '${name}' with ${threads} thread${threads === 1 ? '' : 's'}; memory only; Ctrl-C stops it`,
  )
  await asked
  await server.stop()
  process.stdin.destroy()
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'server')
}
