/**
 * `bin/client`: the client of original 001, with its flags, files and output. It reads a workload, sends it through so
 * many threads with so many requests in flight each, and says how long that took; with -c it checks what every GET
 * returns. Exit codes: 0 done, 1 a wrong answer, 2 wrong use (flags, files), 3 could not (no server, no room).
 */
import { Command, CommanderError } from 'commander'
import { type ClientRunResult, runClients } from '../workload/client-run.js'
import { FileFault } from '../workload/file-fault.js'
import { figureLines, mismatchLines, threadLines } from '../workload/report.js'
import { readSolution, readWorkload } from '../workload/request-file.js'
import type { RequestList } from '../workload/request-list.js'
import { evenShares, sharesByKey } from '../workload/shares.js'
import { CouldNotError, EXIT, reportFailure, UsageError } from './exit.js'
import { DEFAULT_ORIGINAL_NAME, DEFAULT_SERVER_PATH, ForkedServer } from './forked-server.js'
import { endQuietlyOnClosedPipe, printLine } from './output.js'
import { Progress } from './progress.js'
import { setting, wholeNumber } from './settings.js'

interface ClientFlags {
  readonly threads: number
  readonly window: number
  readonly serverThreads: number
  readonly tableSize: number
  readonly fork?: true
  readonly check?: true
  readonly workload: string
  readonly expected: string
  readonly server: string
  readonly name?: string
  readonly verbose?: true
}

const MAX_THREADS = 64
const MAX_WINDOW = 4096
const MAX_TABLE_SIZE = 1_000_000_000

const program = new Command('client')
  .description('sends a file of requests to a server, over shared memory')
  .option('-n, --threads <n>', 'client threads', wholeNumber(1, MAX_THREADS), 4)
  .option('-w, --window <n>', 'requests in flight of a thread', wholeNumber(1, MAX_WINDOW), 1)
  .option('-t, --server-threads <n>', 'threads of a server started with -f', wholeNumber(1, MAX_THREADS), 1)
  .option(
    '-s, --table-size <n>',
    'entries that its table begins with room for',
    wholeNumber(1, MAX_TABLE_SIZE),
    1000,
  )
  .option('-f, --fork', 'start a server, and stop it at the end')
  .option('-c, --check', 'check what every get returns')
  .option('-i, --workload <file>', 'the requests', 'workload.txt')
  .option('-e, --expected <file>', 'what the gets must return', 'solution.txt')
  .option('-x, --server <path>', 'the server to start', DEFAULT_SERVER_PATH)
  .addOption(
    setting('--name <name>', `the server's name; default ${DEFAULT_ORIGINAL_NAME}, with -f one of its own`),
  )
  .option('-v, --verbose', 'say on stderr what goes on, and what each thread did')
  .addHelpText('after', '\nExit codes: 0 done, 1 a wrong answer, 2 wrong use, 3 could not.')
  .exitOverride()
  .action(main)

async function main(flags: ClientFlags): Promise<void> {
  const say = (line: string): void => {
    if (flags.verbose === true) process.stderr.write(`${line}\n`)
  }
  const requests = readRequests(flags)
  say(`${requests.length} requests of ${flags.workload}`)
  const name = flags.name ?? (flags.fork === true ? `client-${process.pid}` : DEFAULT_ORIGINAL_NAME)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new CouldNotError('stopped before all was sent'))
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const server = flags.fork === true ? await ForkedServer.start(serverOptions(flags, name)) : undefined
  try {
    if (server !== undefined) say(`started ${flags.server} as process ${server.pid}`)
    const shares =
      flags.check === true ? sharesByKey(requests, flags.threads) : evenShares(requests, flags.threads)
    const run = runClients({
      name,
      shares,
      width: flags.window,
      check: flags.check === true,
      signal: stop.signal,
      onStart: () => say(`connected with ${flags.threads} threads`),
    })
    print(await run, say)
  } finally {
    await server?.stop()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function serverOptions({ server, serverThreads, tableSize }: ClientFlags, name: string) {
  return { path: server, name, threads: serverThreads, tableSize }
}

function readRequests({ workload, expected, check }: ClientFlags): RequestList {
  const progress = new Progress('lines')
  const options = {
    onBlock: (lines: number, fraction: number | undefined) => progress.update(lines, fraction),
  }
  try {
    const requests = readWorkload(workload, options)
    if (check === true) readSolution(expected, requests, options)
    return requests
  } catch (error) {
    throw error instanceof FileFault ? new UsageError(error.message) : error
  } finally {
    progress.done()
  }
}

function print(result: ClientRunResult, say: (line: string) => void): void {
  for (const line of threadLines(result)) say(line)
  if (result.wrong === 0) {
    for (const line of figureLines(result)) printLine(line)
    return
  }
  process.exitCode = EXIT.no
  for (const line of mismatchLines(result)) process.stderr.write(`${line}\n`)
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'client', 'bin/server, or -f')
}
