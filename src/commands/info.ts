/**
 * The text of INFO: sections of `name:value` lines in Redis's spelling, so that clients' readiness checks and
 * dashboards find what they look for, with Hearth's own facts under names that start with `hearth_`.
 * A line is written only where the value is known; nothing is made up to fill Redis's list.
 */
import type { CommandContext, LogFacts } from './command.js'
import { REDIS_VERSION } from './connection.js'

type Fact = readonly [name: string, value: string | number]
type Section = (context: CommandContext) => readonly Fact[]

const SECTIONS: ReadonlyMap<string, Section> = new Map<string, Section>([
  [
    'server',
    ({ node, store }) => [
      ['redis_version', REDIS_VERSION],
      ['redis_mode', 'standalone'],
      ['hearth_version', node.version],
      ['hearth_socket_workers', node.socketWorkers],
      ['os', `${process.platform} ${process.arch}`],
      ['arch_bits', 64],
      ['process_id', process.pid],
      ['tcp_port', node.port],
      ['uptime_in_seconds', Math.max(0, Math.floor((store.nowMs() - node.startedAtMs) / 1000))],
    ],
  ],
  ['clients', ({ node }) => [['connected_clients', node.connectedClients()]]],
  [
    'memory',
    ({ store, node }) => {
      const { usedBytes, capacityBytes } = store.stats()
      return [
        ['used_memory', usedBytes],
        ['maxmemory', capacityBytes],
        ['maxmemory_policy', evictionPolicy(node.eviction)],
      ]
    },
  ],
  [
    'persistence',
    ({ node }) => {
      const log = node.log?.()
      return [
        ['loading', 0],
        ['rdb_bgsave_in_progress', log?.isSnapshotRunning === true ? 1 : 0],
        ['aof_enabled', log === undefined ? 0 : 1],
        ['hearth_durability', node.durability],
        ...(log === undefined ? [] : logFacts(log)),
      ]
    },
  ],
  [
    'stats',
    ({ store, node }) => {
      const { hits, misses, evictions, expirations } = store.stats()
      return [
        ['total_connections_received', node.connectionsReceived()],
        ['total_commands_processed', node.commandsProcessed()],
        ['expired_keys', expirations],
        ['evicted_keys', evictions],
        ['keyspace_hits', hits],
        ['keyspace_misses', misses],
      ]
    },
  ],
  [
    'replication',
    () => [
      ['role', 'master'],
      ['connected_slaves', 0],
    ],
  ],
  ['cluster', () => [['cluster_enabled', 0]]],
  ['keyspace', ({ store }) => (store.size === 0 ? [] : [['db0', `keys=${store.size}`]])],
])

function logFacts(log: LogFacts): Fact[] {
  return [
    ['rdb_last_save_time', Math.floor(log.lastSnapshotMs / 1000)],
    ['aof_last_write_status', log.state === 'ok' ? 'ok' : 'err'],
    ['hearth_log_state', log.state],
    ['hearth_log_position', log.position],
    ['hearth_log_synced_position', log.syncedPosition],
    ['hearth_log_bytes_written', log.bytesWritten],
    ['hearth_log_groups', log.groups],
    ['hearth_log_refused_writes', log.refusedWrites],
    ['hearth_snapshots', log.snapshots],
    ['hearth_snapshots_failed', log.snapshotsFailed],
  ]
}

const EVERYTHING: ReadonlySet<string> = new Set(['all', 'default', 'everything'])

/** The sections that `names` ask for (none: all), in the table's order. */
export function infoText(context: CommandContext, names: readonly string[]): string {
  const all = names.length === 0 || names.some((name) => EVERYTHING.has(name))
  const parts: string[] = []
  for (const [name, facts] of SECTIONS) {
    if (!all && !names.includes(name)) continue
    const lines = facts(context).map(([fact, value]) => `${fact}:${value}\r\n`)
    parts.push(`# ${name.charAt(0).toUpperCase()}${name.slice(1)}\r\n${lines.join('')}`)
  }
  return parts.join('\r\n')
}

/** Redis's name for what happens when the table is full. */
export function evictionPolicy(eviction: 'none' | 'clock'): string {
  return eviction === 'none' ? 'noeviction' : 'allkeys-lru'
}
