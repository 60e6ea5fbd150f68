/**
 * Publish/subscribe. Every name that is subscribed to, or left, has a reply of its own, a message like those that follow: in
 * RESP3 a push.
 */
import { argument } from './arguments.js'
import type { Bus, SubscriptionKind } from './bus.js'
import type { Command, CommandContext, Subcommand } from './command.js'
import { CommandError } from './command-error.js'
import { Glob } from './glob.js'
import { runSubcommand } from './subcommands.js'
import { connectionOf } from './transactions.js'

const NO_KEY = [0, 0, 0] as const

function busOf({ bus }: CommandContext): Bus {
  if (bus === undefined) throw new CommandError('ERR There is no publish/subscribe here')
  return bus
}

function subscribe(context: CommandContext, args: readonly Buffer[], kind: SubscriptionKind): void {
  const connection = connectionOf(context)
  for (let i = 1; i < args.length; i += 1) {
    const name = argument(args, i)
    connection.subscribe(kind, name)
    confirm(context, kind === 'channel' ? 'subscribe' : 'psubscribe', name, connection.subscriptions)
  }
}

function unsubscribe(context: CommandContext, args: readonly Buffer[], kind: SubscriptionKind): void {
  const connection = connectionOf(context)
  const word = kind === 'channel' ? 'unsubscribe' : 'punsubscribe'
  const names = args.length > 1 ? args.slice(1) : connection.names(kind)
  for (const name of names) {
    connection.unsubscribe(kind, name)
    confirm(context, word, name, connection.subscriptions)
  }
  if (names.length === 0) confirm(context, word, undefined, connection.subscriptions)
}

function confirm({ reply }: CommandContext, word: string, name: Buffer | undefined, count: number): void {
  reply.push(3)
  reply.bulk(word)
  reply.copied(name)
  reply.integer(count)
}

function publish(context: CommandContext, args: readonly Buffer[]): void {
  const channel = Buffer.from(argument(args, 1))
  context.reply.integer(busOf(context).publish(channel, Buffer.from(argument(args, 2))))
}

function channels(context: CommandContext, args: readonly Buffer[]): void {
  const glob = args.length > 2 ? new Glob(argument(args, 2)) : undefined
  const found = busOf(context)
    .channels()
    .filter((name) => glob?.matches(name) ?? true)
  context.reply.array(found.length)
  for (const name of found) context.reply.bulk(name)
}

function countSubscriptions(context: CommandContext, args: readonly Buffer[]): void {
  const { reply } = context
  reply.array(2 * (args.length - 2))
  for (let i = 2; i < args.length; i += 1) {
    const name = argument(args, i)
    reply.copied(name)
    reply.integer(busOf(context).subscriptions(name))
  }
}

const PUBSUB_FAMILY: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['channels', { arity: -2, run: channels }],
  ['numsub', { arity: -2, run: countSubscriptions }],
  ['numpat', { arity: 2, run: (context) => context.reply.integer(busOf(context).patterns) }],
])

export const publishSubscribeCommands = [
  {
    name: 'subscribe',
    arity: -2,
    writes: false,
    keys: NO_KEY,
    run: (context, args) => subscribe(context, args, 'channel'),
  },
  {
    name: 'unsubscribe',
    arity: -1,
    writes: false,
    keys: NO_KEY,
    run: (context, args) => unsubscribe(context, args, 'channel'),
  },
  {
    name: 'psubscribe',
    arity: -2,
    writes: false,
    keys: NO_KEY,
    run: (context, args) => subscribe(context, args, 'pattern'),
  },
  {
    name: 'punsubscribe',
    arity: -1,
    writes: false,
    keys: NO_KEY,
    run: (context, args) => unsubscribe(context, args, 'pattern'),
  },
  { name: 'publish', arity: 3, writes: false, keys: NO_KEY, run: publish },
  {
    name: 'pubsub',
    arity: -2,
    writes: false,
    keys: NO_KEY,
    family: PUBSUB_FAMILY,
    run: (context, args) => runSubcommand('pubsub', PUBSUB_FAMILY, context, args),
  },
] as const satisfies readonly Command[]
