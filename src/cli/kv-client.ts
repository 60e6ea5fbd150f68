/**
 * `kv_client COMMAND [key [value]]`, the client of original 004: one request, its answer on stdout, a value exactly as it
 * was stored. Exit codes: 0 done, 1 the answer is no (NOT_FOUND, false), 2 wrong use, 3 could not.
 */
import { Command, CommanderError } from 'commander'
import { TextClient } from '../client/text-client.js'
import { REPLY, TextReplyError } from '../text/reply.js'
import { CouldNotError, EXIT, reportFailure, UsageError } from './exit.js'
import { KV_DEFAULTS } from './kv-config.js'
import { endQuietlyOnClosedPipe, printLine, printLines } from './output.js'
import { setting, wholeNumber } from './settings.js'

interface ClientFlags {
  readonly host: string
  readonly port: number
}

const MAX_PORT = 65_535
const USAGE = 'PUT key value | GET key | DELETE key | EXISTS key | SIZE | PING | FLUSH | STATS'

type Answer = string | Buffer | readonly string[]
type Action = (client: TextClient, key: Buffer, value: Buffer) => Promise<Answer>

const ACTIONS: ReadonlyMap<string, { readonly words: number; readonly run: Action }> = new Map([
  ['PUT', { words: 2, run: async (client, key, value) => done(client.put(key, value)) }],
  ['GET', { words: 1, run: async (client, key) => (await client.get(key)) ?? REPLY.notFound }],
  [
    'DELETE',
    { words: 1, run: async (client, key) => ((await client.delete(key)) ? REPLY.ok : REPLY.notFound) },
  ],
  ['EXISTS', { words: 1, run: async (client, key) => String(await client.exists(key)) }],
  ['SIZE', { words: 0, run: async (client) => String(await client.size()) }],
  ['PING', { words: 0, run: async (client) => done(client.ping(), REPLY.pong) }],
  ['FLUSH', { words: 0, run: async (client) => done(client.flush()) }],
  ['STATS', { words: 0, run: (client) => client.stats() }],
] satisfies [string, { words: number; run: Action }][])

const NO: ReadonlySet<Answer> = new Set([REPLY.notFound, 'false'])

const program = new Command('kv_client')
  .description('send one request to a server of the line protocol')
  .argument('<command>', USAGE)
  .argument('[words...]', 'key and value')
  .addOption(setting('--host <host>', 'address of the server').default('127.0.0.1'))
  .addOption(
    setting('--port <port>', 'its port')
      .default(KV_DEFAULTS.server_port)
      .env('HEARTH_TEXT_PORT')
      .argParser(wholeNumber(1, MAX_PORT)),
  )
  .passThroughOptions()
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 wrong use, 3 could not.')
  .action(ask)

async function ask(name: string, words: readonly string[], flags: ClientFlags): Promise<void> {
  const action = ACTIONS.get(name.toUpperCase())
  if (action === undefined) throw new UsageError(`there is no command ${name}; there are ${USAGE}`)
  if (words.length !== action.words)
    throw new UsageError(`${name} takes ${action.words} words behind it: ${USAGE}`)
  const [key = '', value = ''] = words
  const client = await TextClient.connect(flags.host, flags.port)
  try {
    await print(await action.run(client, Buffer.from(key), Buffer.from(value)))
  } catch (error) {
    throw error instanceof TextReplyError ? new CouldNotError(error.message) : error
  } finally {
    await client.close()
  }
}

async function print(answer: Answer): Promise<void> {
  if (NO.has(answer)) process.exitCode = EXIT.no
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) printLine(answer)
  else await printLines(answer as readonly string[])
}

async function done(request: Promise<void>, answer: string = REPLY.ok): Promise<string> {
  await request
  return answer
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'kv_client', 'bin/kv_server')
}
