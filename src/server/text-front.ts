/**
 * The line protocol of one thread of a node, over the node's store and beside its Redis front: the same counters, a limit
 * of connections of its own. Where the node has a writer thread, writes go there.
 */
import type { LogFacts } from '../commands/command.js'
import type { Store } from '../store/store.js'
import { CarrierService, type CarrierServiceOptions } from '../text/carrier-service.js'
import type { TextLimits } from '../text/limits.js'
import { type TextListening, type TextListenTarget, TextServer } from '../text/server.js'
import type { TextFact } from '../text/service.js'
import { StoreService } from '../text/store-service.js'
import type { NodeCounters } from './counters.js'
import type { FixedFacts } from './facts.js'
import { LogStatus } from './log-status.js'

export interface TextFrontOptions {
  readonly listen: TextListenTarget
  readonly limits: TextLimits
}

/** The way to the writer thread. */
export type TextWriter = Pick<CarrierServiceOptions, 'carrier' | 'flush'>

export interface TextFront extends TextListening {
  /** Resolves when the last connection has its replies and is gone. */
  stop(): Promise<void>
}

export async function openTextFront(
  store: Store,
  { listen, limits }: TextFrontOptions,
  counters: NodeCounters,
  facts: FixedFacts,
  writer?: TextWriter,
): Promise<TextFront> {
  const log = facts.log && new LogStatus(facts.log)
  const stats = (): readonly TextFact[] => [
    ['connections', counters.connected],
    ['connections_received', counters.received],
    ['commands_processed', counters.processed],
    ['uptime_seconds', Math.max(0, Math.floor((Date.now() - facts.startedAtMs) / 1000))],
    ['durability', facts.durability],
    ...(log === undefined ? [] : logFacts(log.facts)),
    ['version', facts.version],
  ]
  const here = new StoreService(store, { facts: stats })
  const server = new TextServer(
    () => (writer === undefined ? here : new CarrierService({ ...writer, store, stats: () => here.stats() })),
    limits,
    {
      get connected() {
        return counters.textConnected
      },
      connectionOpened: () => counters.textConnectionOpened(),
      connectionClosed: () => counters.textConnectionClosed(),
      commandsRan: (count) => counters.commandsRan(count),
    },
  )
  const listening = await server.listen(listen)
  return { ...listening, stop: () => server.stop() }
}

function logFacts(log: LogFacts): TextFact[] {
  return [
    ['log_state', log.state],
    ['log_position', log.position],
    ['log_synced_position', log.syncedPosition],
    ['log_bytes_written', log.bytesWritten],
    ['log_refused_writes', log.refusedWrites],
  ]
}
