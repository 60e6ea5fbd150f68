/**
 * `hearth serve`: runs a node until SIGINT, SIGTERM or SHUTDOWN. When clients can connect it prints every address
 * and how to try it. Every flag is also a `HEARTH_*` variable and a name in the file of `--config`.
 */
import { Command } from 'commander'
import { formatSize, parseSize } from '../base/size.js'
import { fittingCapacity } from '../server/fitting-capacity.js'
import { Server } from '../server/server.js'
import {
  DEFAULT_RESP_HOST,
  DEFAULT_RESP_PORT,
  type Durability,
  type ServerOptions,
} from '../server/server-options.js'
import { DEFAULT_TEXT_LIMITS, type TextLimits } from '../text/limits.js'
import { UsageError } from './exit.js'
import { printLine } from './output.js'
import { Progress } from './progress.js'
import { setting, wholeNumber, withConfigFile } from './settings.js'

interface ServeOptions {
  readonly name: string
  readonly dataDir: string
  readonly durability: Durability
  readonly intervalMs?: number
  readonly acceptLoss?: boolean
  readonly resp: boolean
  readonly respHost: string
  readonly respPort: number
  readonly textPort?: number
  readonly shm: boolean
  readonly laneWorkers?: number
  readonly socketWorkers?: number
  readonly capacity?: string
  readonly stripes?: number
  readonly eviction: 'none' | 'clock'
  readonly insecure?: boolean
}

const MAX_PORT = 65_535
const MAX_SOCKET_WORKERS = 64
const MAX_LANE_WORKERS = 30
const MAX_INTERVAL_MS = 60_000
const MAX_STRIPES = 2 ** 17

async function serve(options: ServeOptions, textLimits: TextLimits, command: Command): Promise<void> {
  if (!options.resp && !options.shm)
    throw new UsageError('--no-resp and --no-shm together leave nothing to serve')
  if (!options.resp && options.textPort !== undefined)
    throw new UsageError('--text-port needs the Redis protocol beside it: leave out --no-resp')
  const server = await start(options, textLimits, command)
  const stop = (): void => void server.stop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  announce(server, options)
  await server.stopped
  process.off('SIGINT', stop)
  process.off('SIGTERM', stop)
  printLine('stopped')
}

async function start(options: ServeOptions, textLimits: TextLimits, command: Command): Promise<Server> {
  const bar = new Progress('records read')
  try {
    return await Server.start(serverOptions(options, textLimits, bar, command))
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new UsageError(error.message)
    throw error
  } finally {
    bar.done()
  }
}

function serverOptions(
  options: ServeOptions,
  textLimits: TextLimits,
  bar: Progress,
  command: Command,
): ServerOptions {
  const { name, durability, respHost: host, respPort: port, textPort, shm, eviction } = options
  // The directory of the default is not meant where nothing is kept; one that was named is an error there.
  const isDataKept = durability !== 'off' || command.getOptionValueSource('dataDir') !== 'default'
  return {
    name,
    durability,
    eviction,
    capacity: options.capacity === undefined ? fittingCapacity(shm) : parseSize(options.capacity, 'capacity'),
    ...(isDataKept ? { dataDir: options.dataDir } : {}),
    ...(options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs }),
    acceptLoss: options.acceptLoss ?? false,
    onRecovery: ({ records, doneBytes, totalBytes }) => bar.update(records, doneBytes / totalBytes),
    ...(options.resp ? { resp: { host, port } } : {}),
    ...(textPort === undefined ? {} : { text: { port: textPort, limits: textLimits } }),
    ...(shm ? {} : { shm: false }),
    ...(options.laneWorkers === undefined ? {} : { laneWorkers: options.laneWorkers }),
    ...(options.socketWorkers === undefined ? {} : { socketWorkers: options.socketWorkers }),
    ...(options.stripes === undefined ? {} : { stripes: options.stripes }),
    insecure: options.insecure ?? false,
    logger: { info: note, warn: note },
  }
}

function note(message: string): void {
  process.stderr.write(`hearth: ${message}\n`)
}

function announce(server: Server, options: ServeOptions): void {
  const { recovered, resp, textPort } = server
  const host = resp?.host.includes(':') === true ? `[${resp.host}]` : resp?.host
  const workers = options.socketWorkers ?? 1
  const capacity = capacityText(server, options)
  if (resp === undefined) printLine(`hearth is ready (${capacity})`)
  else {
    const threads = workers === 1 ? '1 socket worker' : `${workers} socket workers`
    printLine(`hearth is ready: Redis protocol on ${host}:${resp.port} (${threads}, ${capacity})`)
  }
  if (textPort !== undefined) printLine(`  line protocol on ${host}:${textPort}`)
  if (server.isNamed) printLine(`  shared memory: Client.connect('${server.name}')`)
  printLine(`  durability ${durabilityText(options)}`)
  if (recovered !== undefined) {
    const count = recovered.entriesFromSnapshot + recovered.records
    printLine(
      `  recovered ${server.size} entries from ${count} records in ${(recovered.elapsedMs / 1000).toFixed(1)} s`,
    )
  }
  if (resp !== undefined) {
    printLine(`  try it: redis-cli -h ${resp.host} -p ${resp.port} set greeting hello`)
    printLine(`  or:     npx hearth get greeting --port ${resp.port}`)
  }
  printLine('  Ctrl-C stops in order.')
}

function durabilityText({ durability, dataDir, intervalMs }: ServeOptions): string {
  switch (durability) {
    case 'always':
      return `always: a write is on disk in ${dataDir} before it counts`
    case 'interval':
      return `interval: ${dataDir} is synced every ${intervalMs ?? 1000} ms`
    case 'os':
      return `os: ${dataDir} is written, and synced by nobody`
    case 'off':
      return 'off: nothing survives a stop'
  }
}

function capacityText(server: Server, { eviction }: ServeOptions): string {
  const whenFull = eviction === 'none' ? 'refuses writes' : 'drops what was not used lately'
  return `${formatSize(server.stats().capacityBytes)}, ${whenFull} when full`
}

/** `textLimits`: what clients of the line protocol may ask for; `kv_server` knows other limits than the default. */
export function serveCommand(textLimits: TextLimits = DEFAULT_TEXT_LIMITS): Command {
  const command = withConfigFile(new Command('serve').description('run a node'))
  return command
    .addOption(setting('--name <name>', 'what processes of this machine find it by').default('hearth'))
    .addOption(setting('--data-dir <dir>', 'where data is kept').default('./data'))
    .addOption(
      setting(
        '--durability <level>',
        'when a write counts: on disk, synced now and then, handed over, at once',
      )
        .choices(['always', 'interval', 'os', 'off'])
        .default('always'),
    )
    .addOption(
      setting(
        '--interval-ms <n>',
        'of level interval: most that a crash of the machine loses (default: 1000)',
      ).argParser(wholeNumber(1, MAX_INTERVAL_MS)),
    )
    .addOption(
      setting(
        '--accept-loss',
        'start on a damaged log without what lies behind the damage; the original is kept',
      ),
    )
    .addOption(setting('--resp-host <host>', 'address to listen on').default(DEFAULT_RESP_HOST))
    .addOption(
      setting('--resp-port <port>', 'port of the Redis protocol; 0 lets the system choose')
        .default(DEFAULT_RESP_PORT)
        .argParser(wholeNumber(0, MAX_PORT)),
    )
    .addOption(
      setting(
        '--text-port <port>',
        'port of the line protocol of kv_server; 0 lets the system choose',
      ).argParser(wholeNumber(0, MAX_PORT)),
    )
    .addOption(
      setting('--lane-workers <n>', 'threads that serve clients in shared memory (default: 1)').argParser(
        wholeNumber(1, MAX_LANE_WORKERS),
      ),
    )
    .addOption(
      setting('--socket-workers <n>', 'threads that serve connections (default: 1)').argParser(
        wholeNumber(1, MAX_SOCKET_WORKERS),
      ),
    )
    .addOption(setting('--capacity <size>', 'memory of the table (default: 256MiB, or what fits)'))
    .addOption(setting('--stripes <n>', 'lock stripes of the table').argParser(wholeNumber(1, MAX_STRIPES)))
    .addOption(
      setting('--eviction <policy>', 'when it is full: refuse writes, or drop what was not used lately')
        .choices(['none', 'clock'])
        .default('none'),
    )
    .addOption(setting('--no-resp', 'leave the Redis protocol out'))
    .addOption(setting('--no-shm', 'leave shared memory out: only sockets reach the node'))
    .addOption(setting('--insecure', 'allow an address that others can reach, though there is no password'))
    .action((options: ServeOptions) => serve(options, textLimits, command))
}
