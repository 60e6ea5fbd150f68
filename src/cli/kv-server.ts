/**
 * `kv_server [conf]`, the server of original 004: the line protocol on its port, a log in its directory, settings from its
 * config file (kv-config.ts; without an argument `kv_config.conf` of the working directory, where there is one). It is
 * `hearth serve` with other defaults; flags of that command may follow the file.
 */
import { existsSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { EXIT, reportFailure } from './exit.js'
import { KV_DEFAULTS, type KvConfig, readKvConfig } from './kv-config.js'
import { endQuietlyOnClosedPipe } from './output.js'
import { serveCommand } from './serve.js'

const DEFAULT_FILE = 'kv_config.conf'

const program = new Command('kv_server')
  .description('serve the line protocol, with a log')
  .argument('[conf]', `settings, name=value a line; default: ${DEFAULT_FILE}, if there is one`)
  .argument('[flags...]', 'flags of hearth serve')
  .passThroughOptions()
  .exitOverride()
  .action(serve)

async function serve(conf: string | undefined, flags: readonly string[]): Promise<void> {
  const file = conf ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const config = file === undefined ? KV_DEFAULTS : readKvConfig(file)
  const command = serveCommand({
    maxKeyBytes: config.max_key_size,
    maxValueBytes: config.max_value_size,
    maxConnections: config.max_connections,
  })
  await command.exitOverride().parseAsync([...serveFlags(config), ...flags], { from: 'user' })
}

/** The flags that say the same. The Redis protocol gets a port of the system's choice. */
function serveFlags(config: KvConfig): string[] {
  const settings = {
    'text-port': config.server_port,
    'resp-port': 0,
    durability: config.sync_wal ? 'always' : 'os',
    'data-dir': config.wal_file,
    stripes: config.num_segments,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  return [...flags, '--no-shm']
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'kv_server')
}
