/**
 * Commands on the node: INFO, CONFIG GET, COMMAND, TIME. CONFIG knows Redis's names for what Hearth has, and for
 * the few things that benchmarks and dashboards ask about and Hearth has not (`save` is empty, `appendonly` is
 * `no`); nothing can be set at run time.
 */
import { MAX_CONNECTIONS, MAX_RESP_BULK_BYTES } from '../base/limits.js'
import { argument, textOf } from './arguments.js'
import type { Command, CommandContext, Subcommand } from './command.js'
import { CommandError } from './command-error.js'
import { Glob } from './glob.js'
import { evictionPolicy, infoText } from './info.js'
import { runSubcommand } from './subcommands.js'

const NO_KEY = [0, 0, 0] as const

function settings({ node, store }: CommandContext): readonly (readonly [string, string])[] {
  return [
    [
      'appendfsync',
      node.durability === 'always' ? 'always' : node.durability === 'interval' ? 'everysec' : 'no',
    ],
    ['appendonly', node.durability === 'off' ? 'no' : 'yes'],
    ['bind', node.host],
    ['databases', '1'],
    ['maxclients', String(MAX_CONNECTIONS)],
    ['maxmemory', String(store.stats().capacityBytes)],
    ['maxmemory-policy', evictionPolicy(node.eviction)],
    ['port', String(node.port)],
    ['proto-max-bulk-len', String(MAX_RESP_BULK_BYTES)],
    ['save', ''],
    ['timeout', '0'],
  ]
}

function configGet(context: CommandContext, args: readonly Buffer[]): void {
  const globs = args
    .slice(2)
    .map((pattern) => new Glob(Buffer.from(pattern.toString('latin1').toLowerCase(), 'latin1')))
  const found = settings(context).filter(([name]) => globs.some((glob) => glob.matches(Buffer.from(name))))
  context.reply.map(found.length)
  for (const [name, value] of found) {
    context.reply.bulk(name)
    context.reply.bulk(value)
  }
}

function configSet(_context: CommandContext, args: readonly Buffer[]): void {
  throw new CommandError(
    `ERR Unknown option or number of arguments for CONFIG SET - '${textOf(argument(args, 2), 128)}'`,
  )
}

const CONFIG_FAMILY: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['get', { arity: -3, run: configGet }],
  ['set', { arity: -4, run: configSet }],
])

function time({ store, reply }: CommandContext): void {
  const nowMs = store.nowMs()
  reply.array(2)
  reply.bulk(String(Math.floor(nowMs / 1000)))
  reply.bulk(String((nowMs % 1000) * 1000))
}

function describe({ reply }: CommandContext, command: Command): void {
  const [first, last, step] = command.keys
  reply.array(10)
  reply.bulk(command.name)
  reply.integer(command.arity)
  const flag = command.writes ? 'write' : first > 0 ? 'readonly' : undefined
  reply.array(flag === undefined ? 0 : 1)
  if (flag !== undefined) reply.simple(flag)
  reply.integer(first)
  reply.integer(last)
  reply.integer(step)
  // Access categories, tips, key specifications, subcommands: not kept.
  for (let i = 0; i < 4; i += 1) reply.array(0)
}

/** COMMAND describes the whole table, which is not complete while this file loads: hence a function of it. */
export function serverCommands(all: () => readonly Command[]): readonly Command[] {
  const describeAll = (context: CommandContext): void => {
    context.reply.array(all().length)
    for (const command of all()) describe(context, command)
  }
  const describeNamed = (context: CommandContext, args: readonly Buffer[]): void => {
    if (args.length === 2) {
      describeAll(context)
      return
    }
    context.reply.array(args.length - 2)
    for (const name of args.slice(2)) {
      const wanted = name.toString('latin1').toLowerCase()
      const found = all().find((command) => command.name === wanted)
      if (found === undefined) context.reply.null()
      else describe(context, found)
    }
  }
  const commandFamily: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
    ['count', { arity: 2, run: ({ reply }) => reply.integer(all().length) }],
    ['docs', { arity: -2, run: ({ reply }) => reply.map(0) }],
    ['info', { arity: -2, run: describeNamed }],
  ])
  return [
    {
      name: 'command',
      arity: -1,
      writes: false,
      keys: NO_KEY,
      family: commandFamily,
      run: (context, args) => {
        if (args.length === 1) describeAll(context)
        else runSubcommand('command', commandFamily, context, args)
      },
    },
    {
      name: 'config',
      arity: -2,
      writes: false,
      keys: NO_KEY,
      family: CONFIG_FAMILY,
      run: (context, args) => runSubcommand('config', CONFIG_FAMILY, context, args),
    },
    {
      name: 'info',
      arity: -1,
      writes: false,
      keys: NO_KEY,
      run: (context, args) =>
        context.reply.verbatim(
          infoText(
            context,
            args.slice(1).map((name) => name.toString('latin1').toLowerCase()),
          ),
        ),
    },
    { name: 'time', arity: 1, writes: false, keys: NO_KEY, run: time },
  ]
}
