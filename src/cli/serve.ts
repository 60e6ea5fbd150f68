/**
 * `hearth serve`: runs a node until SIGINT, SIGTERM or SHUTDOWN. When clients can connect it prints the address
 * and how to try it. Every flag is also a `HEARTH_*` variable and a name in the file of `--config`.
 */
import { Command } from 'commander'
import { formatSize, parseSize } from '../base/size.js'
import { type RunningNode, startNode } from '../server/node.js'
import { DEFAULT_RESP_HOST, DEFAULT_RESP_PORT } from '../server/node-options.js'
import type { TextLimits } from '../text/limits.js'
import { UsageError } from './exit.js'
import { printLine } from './output.js'
import { setting, wholeNumber, withConfigFile } from './settings.js'

interface ServeOptions {
  readonly respHost: string
  readonly respPort: number
  readonly socketWorkers?: number
  readonly capacity: string
  readonly eviction: 'none' | 'clock'
  readonly durability: string
  readonly resp: boolean
  readonly insecure?: boolean
  readonly textPort?: number
}

const MAX_PORT = 65_535
const MAX_WORKERS = 64

async function serve(options: ServeOptions, textLimits: TextLimits | undefined): Promise<void> {
  if (!options.resp)
    throw new UsageError('--no-resp leaves nothing to serve: the Redis protocol is the only front yet')
  if (options.durability !== 'off') {
    throw new UsageError(
      `durability ${options.durability} comes in a later version: this one keeps nothing on disk`,
    )
  }
  const node = await start(options, textLimits)
  const stop = (): void => void node.stop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  // Only now: who reads that the node is ready may stop it at once.
  announce(node, options)
  await node.stopped
  process.off('SIGINT', stop)
  process.off('SIGTERM', stop)
  printLine('stopped')
}

async function start(options: ServeOptions, textLimits: TextLimits | undefined): Promise<RunningNode> {
  try {
    return await startNode({
      respHost: options.respHost,
      respPort: options.respPort,
      ...(options.socketWorkers === undefined ? {} : { socketWorkers: options.socketWorkers }),
      capacityBytes: parseSize(options.capacity, 'capacity'),
      eviction: options.eviction,
      insecure: options.insecure ?? false,
      ...(options.textPort === undefined ? {} : { textPort: options.textPort }),
      ...(textLimits === undefined ? {} : { textLimits }),
    })
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

function announce(node: RunningNode, options: ServeOptions): void {
  const workers = node.socketWorkers === 1 ? '1 socket worker' : `${node.socketWorkers} socket workers`
  const host = node.host.includes(':') ? `[${node.host}]` : node.host
  printLine(`hearth is ready: Redis protocol on ${host}:${node.port} (${workers}, ${capacityText(options)})`)
  if (node.textPort !== undefined) printLine(`  line protocol on ${host}:${node.textPort}`)
  printLine(`  try it: redis-cli -h ${node.host} -p ${node.port} set greeting hello`)
  printLine(`  or:     npx hearth get greeting --port ${node.port}`)
  printLine('  durability is off in this version: nothing survives a stop. Ctrl-C stops in order.')
}

function capacityText(options: ServeOptions): string {
  const whenFull = options.eviction === 'none' ? 'refuses writes' : 'drops what was not used lately'
  return `${formatSize(parseSize(options.capacity, 'capacity'))}, ${whenFull} when full`
}

/** `textLimits`: what clients of the line protocol may ask for; `kv_server` knows other limits than the default. */
export function serveCommand(textLimits?: TextLimits): Command {
  return withConfigFile(new Command('serve').description('run a node'))
    .addOption(setting('--resp-host <host>', 'address to listen on').default(DEFAULT_RESP_HOST))
    .addOption(
      setting('--resp-port <port>', 'port of the Redis protocol; 0 lets the system choose')
        .default(DEFAULT_RESP_PORT)
        .argParser(wholeNumber(0, MAX_PORT)),
    )
    .addOption(
      setting(
        '--socket-workers <n>',
        'threads that serve connections (default: 2, or 1 on one core)',
      ).argParser(wholeNumber(1, MAX_WORKERS)),
    )
    .addOption(setting('--capacity <size>', 'memory of the table').default('64MiB'))
    .addOption(
      setting('--eviction <policy>', 'when it is full: refuse writes, or drop what was not used lately')
        .choices(['none', 'clock'])
        .default('none'),
    )
    .addOption(
      setting('--durability <level>', 'only off yet: nothing survives a stop')
        .choices(['always', 'interval', 'os', 'off'])
        .default('off'),
    )
    .addOption(
      setting(
        '--text-port <port>',
        'port of the line protocol of kv_server; 0 lets the system choose',
      ).argParser(wholeNumber(0, MAX_PORT)),
    )
    .addOption(setting('--no-resp', 'leave the Redis protocol out'))
    .addOption(setting('--insecure', 'allow an address that others can reach, though there is no password'))
    .action((options: ServeOptions) => serve(options, textLimits))
}
