/**
 * `hearth bench NAME`: the benchmarks, each loaded only when it is asked for. A run prints what it was run on and
 * every contender beside the others, since only numbers of one run can be compared.
 */
import { Command, InvalidArgumentError } from 'commander'
import { GIB } from '../base/limits.js'
import { parseSize } from '../base/size.js'
import { channelCommand } from './bench-channel.js'
import { logCommand } from './bench-log.js'
import { processesCommand } from './bench-processes.js'
import { type BenchTableOptions, benchTable } from './bench-table.js'
import { UsageError } from './exit.js'
import { wholeNumber } from './settings.js'

interface TableFlags {
  readonly only?: string
  readonly sweep?: string
  readonly keys?: number
  readonly valueBytes?: number
  readonly rounds?: number
  readonly threads?: string
  readonly contenders?: string
  readonly mostKeys?: number
  readonly payload?: number
  readonly timeout?: number
  readonly svg?: string | false
  readonly json?: true
}

const MOST_KEYS = 100_000_000
const MOST_VALUE_BYTES = 16 * 1024 * 1024
const MOST_ROUNDS = 1000
const MOST_THREADS = 64
const MOST_PAYLOAD_BYTES = 4 * GIB
const MOST_TIMEOUT_SECONDS = 24 * 3600

async function optionsOf(flags: TableFlags): Promise<BenchTableOptions> {
  const { SECTION_NAMES } = await import('../bench/figure.js')
  const { SWEEP_NAMES } = await import('../bench/sweep.js')
  const { CONTENDER_NAMES } = await import('../bench/contender-list.js')
  const { keys, valueBytes, rounds, mostKeys, payload, timeout } = flags
  const parts =
    flags.only === undefined
      ? undefined
      : listOf('--only', flags.only, [...SECTION_NAMES, 'compare', 'sweep'] as const)
  const onlySweeps = flags.only === undefined && flags.sweep !== undefined
  const sweeps = listOf('--sweep', flags.sweep ?? 'all', [...SWEEP_NAMES, 'all'] as const)
  const wantsSweeps = flags.sweep !== undefined || parts?.includes('sweep') === true
  return {
    sections: onlySweeps ? [] : SECTION_NAMES.filter((section) => parts?.includes(section) ?? true),
    sweeps: wantsSweeps ? SWEEP_NAMES.filter((name) => sweeps.includes(name) || sweeps.includes('all')) : [],
    compare: parts?.includes('compare') === true,
    ...(keys === undefined ? {} : { keys }),
    ...(valueBytes === undefined ? {} : { valueBytes }),
    ...(rounds === undefined ? {} : { rounds }),
    ...(flags.threads === undefined ? {} : { threads: threadCounts(flags.threads) }),
    ...(flags.contenders === undefined
      ? {}
      : { contenders: listOf('--contenders', flags.contenders, CONTENDER_NAMES) }),
    ...(mostKeys === undefined ? {} : { mostKeys }),
    ...(payload === undefined ? {} : { payloadBytes: payload }),
    ...(timeout === undefined ? {} : { timeoutMs: 1000 * timeout }),
    ...(flags.svg === undefined ? {} : { pictureFolder: flags.svg }),
    json: flags.json === true,
  }
}

/** The names in a list such as `get,set`. Throws UsageError for one that is not there. */
function listOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name[] {
  return text.split(',').map((wanted) => {
    const found = names.find((name) => name === wanted.trim())
    if (found === undefined) throw new UsageError(`${flag} is a list of ${names.join(', ')}, not '${wanted}'`)
    return found
  })
}

function threadCounts(text: string): number[] {
  const counts = text.split(',').map(Number)
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= MOST_THREADS)) {
    throw new UsageError('--threads is a list such as 1,2,4')
  }
  return counts
}

function payloadBytes(text: string): number {
  try {
    const bytes = parseSize(text, '--payload')
    if (bytes >= 1 && bytes <= MOST_PAYLOAD_BYTES) return bytes
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
  throw new InvalidArgumentError('It must be at most 4GiB.')
}

function tableCommand(): Command {
  return new Command('table')
    .description('the table: its figures beside what was asked, its contenders, its sweeps')
    .option(
      '--only <list>',
      'get, set, hot, memory, growth, eviction, flood (default: all these), compare, sweep',
    )
    .option('--sweep <list>', 'keys, values, threads, mix or all; alone: no figures')
    .option('--keys <n>', 'keys in the table; default 1000000', wholeNumber(1, MOST_KEYS))
    .option('--value-bytes <n>', 'characters of a value; default 100', wholeNumber(1, MOST_VALUE_BYTES))
    .option('--rounds <n>', 'passes of each contender; default 3', wholeNumber(1, MOST_ROUNDS))
    .option('--threads <list>', 'thread counts of compare, such as 1,2; the most of a sweep')
    .option('--contenders <list>', 'who takes part in compare and sweeps: hearth, map, lmdb, sharedmap, cpp')
    .option(
      '--most-keys <n>',
      'largest table of the sweep by keys; default 10000000',
      wholeNumber(1, MOST_KEYS),
    )
    .option('--payload <size>', 'most bytes of keys and values in a sweep; default 2GiB', payloadBytes)
    .option('--timeout <seconds>', 'longest single pass', wholeNumber(1, MOST_TIMEOUT_SECONDS))
    .option('--svg <folder>', 'where pictures go; default: docs, for a run of the full size')
    .option('--no-svg', 'no pictures')
    .option('--json', 'the report as JSON, at the end')
    .action(async (flags: TableFlags) => benchTable(await optionsOf(flags)))
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure this machine')
    .addCommand(tableCommand())
    .addCommand(processesCommand())
    .addCommand(channelCommand())
    .addCommand(logCommand())
}
