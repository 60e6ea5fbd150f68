/**
 * `bin/kvs_client`: the client of original 002 as a program. With a command it carries that out; without one it shows them
 * all, as the original's demonstration does. Keys and values are text. Exit codes: 0 done, 1 the answer is no (not found,
 * exists), 2 wrong use, 3 could not.
 */
import { Command, CommanderError } from 'commander'
import { KVSClient } from '../kvs/kvs-client.js'
import { KVS_STATUS, type TaskResult } from '../kvs/outcome.js'
import { answerNo, EXIT, reportFailure } from './exit.js'
import { endQuietlyOnClosedPipe, printLine } from './output.js'
import { setting, wholeNumber } from './settings.js'

interface Flags {
  readonly name: string
  readonly timeout: number
}

type Use = (client: KVSClient, timeoutMs: number) => void | Promise<void>

const MAX_TIMEOUT_MS = 2 ** 31 - 1
const DEFAULT_TIMEOUT_MS = 5000

const program = new Command('kvs_client')
  .description('asks a kvs_server; without a command, shows what can be asked')
  .addOption(setting('--name <name>', "the server's name").default('kvs'))
  .option('--timeout <ms>', 'limit of each call', wholeNumber(1, MAX_TIMEOUT_MS), DEFAULT_TIMEOUT_MS)
  .allowExcessArguments()
  .exitOverride()
  .action(() => {
    const [unknown] = program.args
    if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`)
    return withClient(demonstrate)
  })

program
  .command('get <key>')
  .description('print the value')
  .action((key: string) =>
    withClient((client, timeoutMs) => {
      const value = client.get(key, timeoutMs)
      if (value === undefined) answerNo()
      else printLine(value)
    }),
  )
program
  .command('set <key> <value>')
  .description('insert or update')
  .action((key: string, value: string) =>
    withClient((client, timeoutMs) => {
      client.set(key, value, timeoutMs)
    }),
  )
program
  .command('post <key> <value>')
  .description('insert only if the key is new')
  .action((key: string, value: string) =>
    withClient((client, timeoutMs) => {
      if (!client.post(key, value, timeoutMs)) answerNo()
    }),
  )
program
  .command('del <key>')
  .description('delete')
  .action((key: string) =>
    withClient((client, timeoutMs) => {
      if (!client.del(key, timeoutMs)) answerNo()
    }),
  )

async function withClient(use: Use): Promise<void> {
  const { name, timeout } = program.opts<Flags>()
  const client = await KVSClient.connect(name, { timeout_ms: timeout })
  try {
    await use(client, timeout)
  } finally {
    await client.close()
  }
}

/** Every call once, on keys of this process, which are gone at the end. */
async function demonstrate(client: KVSClient, timeoutMs: number): Promise<void> {
  const key = `demo:${process.pid}`
  const other = `${key}:2`
  const task = async (what: string, id: number): Promise<void> => {
    printLine(`${what} -> task ${id}: ${resultText(await client.result(id, timeoutMs))}`)
  }
  printLine(`set ${key} 100 -> ${client.set(key, '100', timeoutMs)}`)
  printLine(`get ${key} -> ${client.get(key, timeoutMs)}`)
  printLine(`post ${key} 200 -> ${client.post(key, '200', timeoutMs)} (the key exists)`)
  await task(`post_async ${other} 200`, client.post_async(other, '200', timeoutMs))
  await task(`set_async ${other} 300`, client.set_async(other, '300', timeoutMs))
  await task(`get_async ${other}`, client.get_async(other, timeoutMs))
  await task(`del_async ${other}`, client.del_async(other, timeoutMs))
  printLine(`del ${key} -> ${client.del(key, timeoutMs)}`)
  printLine(`get ${key} -> ${client.get(key, timeoutMs) ?? 'not found'}`)
}

function resultText({ status, value }: TaskResult<string>): string {
  const [name = ''] = Object.entries(KVS_STATUS).find(([, number]) => number === status) ?? []
  return value === undefined ? name : `${name} ${value}`
}

endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error, 'kvs_client', 'bin/kvs_server')
}
