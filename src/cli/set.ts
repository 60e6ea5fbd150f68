/**
 * `hearth set | insert | replace KEY VALUE`. They differ in when they write, and in what becomes of a ttl: `set`
 * and `insert` take `--ttl-ms`, a plain `set` removes an old one, `replace` keeps it.
 */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { MAX_TTL_MS } from '../base/limits.js'
import { answerNo, UsageError } from './exit.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { wholeNumber } from './settings.js'

interface SetOptions extends NodeAddress {
  readonly ttlMs?: number
  readonly stdin?: true
}

const STDIN = 0

function writingCommand(name: string, description: string): Command {
  return withNodeAddress(new Command(name).description(description))
    .argument('<key>')
    .argument('[value]')
    .option('--stdin', 'take the value from standard input, byte for byte')
}

/** Writes with the given words of SET; exit code 1 when their condition did not hold. */
async function write(key: string, value: string | undefined, options: SetOptions, words: readonly string[]) {
  if ((value === undefined) !== (options.stdin === true))
    throw new UsageError('give a value or --stdin, one of them')
  const bytes = value ?? readFileSync(STDIN)
  const ttl = options.ttlMs === undefined ? [] : ['PX', options.ttlMs]
  const reply = await withClient(options, (client) => client.call('SET', key, bytes, ...ttl, ...words))
  if (reply === null) answerNo()
}

export function setCommand(): Command {
  return writingCommand('set', 'store a value, whether or not the key is there')
    .alias('put')
    .option('--ttl-ms <ms>', 'delete it after so many milliseconds', wholeNumber(1, MAX_TTL_MS))
    .option('--keep-ttl', 'leave the time that the key has to live as it is')
    .action(async (key: string, value: string | undefined, options: SetOptions & { keepTtl?: true }) => {
      if (options.keepTtl === true && options.ttlMs !== undefined) {
        throw new UsageError('--ttl-ms and --keep-ttl exclude each other')
      }
      await write(key, value, options, options.keepTtl === true ? ['KEEPTTL'] : [])
    })
}

export function insertCommand(): Command {
  return writingCommand('insert', 'store a value if the key is not there; exit code 1 if it is')
    .option('--ttl-ms <ms>', 'delete it after so many milliseconds', wholeNumber(1, MAX_TTL_MS))
    .action((key: string, value: string | undefined, options: SetOptions) =>
      write(key, value, options, ['NX']),
    )
}

export function replaceCommand(): Command {
  return writingCommand(
    'replace',
    'store a value if the key is there, keeping its ttl; exit code 1 if it is not',
  )
    .alias('update')
    .action((key: string, value: string | undefined, options: SetOptions) =>
      write(key, value, options, ['XX', 'KEEPTTL']),
    )
}
