/**
 * The one place where protocols meet storage: a command is `{ name, arity, writes, keys, run }`, a table of them
 * is a family's file, and every front finds commands here and nowhere else.
 */
import type { Store } from '../store/store.js'
import type { Bus } from './bus.js'
import type { ConnectionState } from './connection-state.js'
import type { ReplyWriter } from './reply.js'

/** What a command may use: the table, its connection, and the node around it. */
export interface CommandContext {
  readonly store: Store
  readonly reply: ReplyWriter
  readonly session: Session
  readonly node: NodeFacts
  /** Absent where nobody can publish. */
  readonly bus?: Bus
  /** What the connection keeps; absent for commands that come without one. */
  readonly connection?: ConnectionState
}

/** State of one connection that commands read or change. */
export interface Session {
  readonly id: number
  /** RESP version spoken: HELLO changes it. */
  protocol: 2 | 3
  name: string
  /** Set by QUIT: the front closes once the replies so far are written. */
  closing: boolean
}

/** The log of a durable node. Positions count records. */
export interface LogFacts {
  /** `disk-full`: writes are refused until there is space. `failed`: until a restart. */
  readonly state: 'ok' | 'disk-full' | 'failed'
  readonly position: number
  readonly syncedPosition: number
  readonly releasedPosition: number
  /** Since the start. */
  readonly bytesWritten: number
  readonly groups: number
  readonly refusedWrites: number
  readonly snapshots: number
  readonly snapshotsFailed: number
  /** Wall clock; 0: none since the start. */
  readonly lastSnapshotMs: number
  readonly isSnapshotRunning: boolean
}

/** Facts about the node for INFO, CONFIG GET and SHUTDOWN. */
export interface NodeFacts {
  readonly version: string
  readonly startedAtMs: number
  readonly durability: 'always' | 'interval' | 'os' | 'off'
  readonly host: string
  readonly port: number
  readonly eviction: 'none' | 'clock'
  readonly socketWorkers: number
  /** How the log is doing; absent where nothing is kept. */
  log?(): LogFacts
  connectedClients(): number
  connectionsReceived(): number
  commandsProcessed(): number
  /** Asks the node to stop in order; returns at once. */
  shutdown(): void
}

/** A member of a family of commands: `GET` of `CONFIG GET`. */
export interface Subcommand {
  /** As for a command, counting both names. */
  readonly arity: number
  run(context: CommandContext, args: readonly Buffer[]): void
}

export interface Command {
  /** Lower case, as COMMAND reports it. */
  readonly name: string
  /** Redis arity: the exact number of arguments with the name, or minus the least number. */
  readonly arity: number
  /** Whether it can change the table. */
  readonly writes: boolean
  /** First key, last key (negative: from the end), step; zeros where it takes no key. */
  readonly keys: readonly [first: number, last: number, step: number]
  /** The commands that the second argument picks from, where it does. */
  readonly family?: ReadonlyMap<string, Subcommand>
  /**
   * `args[0]` is the name as sent. Arity has been checked. Throws OperationError or CommandError. Arguments may
   * be windows of a larger buffer: whoever keeps one copies it.
   */
  run(context: CommandContext, args: readonly Buffer[]): void
}
