/**
 * Commands on the connection itself: who speaks which protocol under what name, and how to leave.
 *
 * There is no password yet, so AUTH answers as a Redis without one does. SHUTDOWN is the one command without a
 * reply: the closing of the connection is the answer.
 */
import { argument, integerArgument, option, SYNTAX_ERROR } from './arguments.js'
import type { Command, CommandContext, Session, Subcommand } from './command.js'
import { CommandError } from './command-error.js'
import { parseInteger } from './integer.js'
import { runSubcommand } from './subcommands.js'

const NO_KEY = [0, 0, 0] as const
/** The Redis release whose behaviour is followed; clients choose what they send by it. */
export const REDIS_VERSION = '7.0.15'

const NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?'
const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.'
const MAX_INT32 = 2 ** 31 - 1
const NOT_AN_INT32 = `ERR value is out of range, value must between ${-MAX_INT32 - 1} and ${MAX_INT32}`
const BAD_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.'

function checkedName(bytes: Buffer): string {
  for (const byte of bytes) if (byte < 0x21 || byte > 0x7e) throw new CommandError(BAD_NAME)
  return bytes.toString('latin1')
}

function checkUser(user: Buffer): void {
  if (user.toString('latin1') !== 'default') throw new CommandError(WRONG_PASSWORD)
}

function hello({ reply, session }: CommandContext, args: readonly Buffer[]): void {
  let protocol = session.protocol
  let name: string | undefined
  const wanted = args[1]
  if (wanted !== undefined) {
    const version = parseInteger(wanted)
    if (version === undefined)
      throw new CommandError('ERR Protocol version is not an integer or out of range')
    if (version !== 2 && version !== 3) throw new CommandError('NOPROTO unsupported protocol version')
    protocol = version
  }
  for (let i = 2; i < args.length; i += 1) {
    const word = option(args, i)
    if (word === 'AUTH' && i + 2 < args.length) {
      checkUser(argument(args, i + 1))
      i += 2
    } else if (word === 'SETNAME' && i + 1 < args.length) {
      name = checkedName(argument(args, i + 1))
      i += 1
    } else
      throw new CommandError(
        `ERR Syntax error in HELLO option '${argument(args, i).toString('latin1', 0, 128)}'`,
      )
  }
  session.protocol = protocol
  session.name = name ?? session.name
  replyHello(reply, session)
}

function replyHello(reply: CommandContext['reply'], session: Session): void {
  reply.map(7)
  reply.bulk('server')
  reply.bulk('redis')
  reply.bulk('version')
  reply.bulk(REDIS_VERSION)
  reply.bulk('proto')
  reply.integer(session.protocol)
  reply.bulk('id')
  reply.integer(session.id)
  reply.bulk('mode')
  reply.bulk('standalone')
  reply.bulk('role')
  reply.bulk('master')
  reply.bulk('modules')
  reply.array(0)
}

function auth({ reply }: CommandContext, args: readonly Buffer[]): void {
  if (args.length > 3) throw new CommandError(SYNTAX_ERROR)
  if (args.length === 2) throw new CommandError(NO_PASSWORD)
  checkUser(argument(args, 1))
  reply.simple('OK')
}

/** There is one database, 0: throws CommandError for what names another. */
export function checkDatabase(args: readonly Buffer[], at: number): void {
  const index = integerArgument(args, at)
  if (index < -MAX_INT32 - 1 || index > MAX_INT32) throw new CommandError(NOT_AN_INT32)
  if (index !== 0) throw new CommandError('ERR DB index is out of range')
}

function select({ reply }: CommandContext, args: readonly Buffer[]): void {
  checkDatabase(args, 1)
  reply.simple('OK')
}

/** While listening in RESP2 the answer is a message like the others. */
function ping({ reply, session, connection }: CommandContext, args: readonly Buffer[]): void {
  if (args.length > 2) throw new CommandError("ERR wrong number of arguments for 'ping' command")
  if (session.protocol === 2 && connection !== undefined && connection.subscriptions > 0) {
    reply.array(2)
    reply.bulk('pong')
    reply.copied(args[1] ?? Buffer.alloc(0))
  } else if (args.length === 2) reply.bulk(argument(args, 1))
  else reply.simple('PONG')
}

function reset({ reply, session, connection }: CommandContext): void {
  connection?.reset()
  session.protocol = 2
  session.name = ''
  reply.simple('RESET')
}

function shutdown({ node, session }: CommandContext, args: readonly Buffer[]): void {
  for (let i = 1; i < args.length; i += 1) {
    if (!SHUTDOWN_OPTIONS.has(option(args, i))) throw new CommandError(SYNTAX_ERROR)
  }
  session.closing = true
  node.shutdown()
}

const SHUTDOWN_OPTIONS: ReadonlySet<string> = new Set(['SAVE', 'NOSAVE', 'NOW', 'FORCE'])

function acceptSwitch({ reply }: CommandContext, args: readonly Buffer[]): void {
  const word = option(args, 2)
  if (word !== 'ON' && word !== 'OFF') throw new CommandError(SYNTAX_ERROR)
  reply.simple('OK')
}

function setInfo({ reply }: CommandContext, args: readonly Buffer[]): void {
  const word = option(args, 2)
  if (word !== 'LIB-NAME' && word !== 'LIB-VER') {
    throw new CommandError(`ERR Unrecognized option '${argument(args, 2).toString('latin1', 0, 128)}'`)
  }
  checkedName(argument(args, 3))
  reply.simple('OK')
}

const CLIENT_FAMILY: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['id', { arity: 2, run: ({ reply, session }) => reply.integer(session.id) }],
  [
    'getname',
    { arity: 2, run: ({ reply, session }) => reply.bulk(session.name === '' ? undefined : session.name) },
  ],
  [
    'setname',
    {
      arity: 3,
      run: ({ reply, session }, args) => {
        session.name = checkedName(argument(args, 2))
        reply.simple('OK')
      },
    },
  ],
  ['setinfo', { arity: 4, run: setInfo }],
  ['no-evict', { arity: 3, run: acceptSwitch }],
  ['no-touch', { arity: 3, run: acceptSwitch }],
])

export const connectionCommands = [
  {
    name: 'ping',
    arity: -1,
    writes: false,
    keys: NO_KEY,
    run: ping,
  },
  {
    name: 'echo',
    arity: 2,
    writes: false,
    keys: NO_KEY,
    run: ({ reply }, args) => reply.bulk(argument(args, 1)),
  },
  { name: 'hello', arity: -1, writes: false, keys: NO_KEY, run: hello },
  { name: 'auth', arity: -2, writes: false, keys: NO_KEY, run: auth },
  { name: 'select', arity: 2, writes: false, keys: NO_KEY, run: select },
  {
    name: 'client',
    arity: -2,
    writes: false,
    keys: NO_KEY,
    family: CLIENT_FAMILY,
    run: (context, args) => runSubcommand('client', CLIENT_FAMILY, context, args),
  },
  {
    name: 'quit',
    arity: -1,
    writes: false,
    keys: NO_KEY,
    run: ({ reply, session }) => {
      session.closing = true
      reply.simple('OK')
    },
  },
  { name: 'reset', arity: 1, writes: false, keys: NO_KEY, run: reset },
  { name: 'shutdown', arity: -1, writes: false, keys: NO_KEY, run: shutdown },
] as const satisfies readonly Command[]
