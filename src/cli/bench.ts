/**
 * `hearth bench NAME`: the benchmarks, each loaded only when it is asked for. A run prints what it was run on and
 * every contender beside the others, since only numbers of one run can be compared.
 */
import { Command } from 'commander'
import { UsageError } from './exit.js'
import { printJson, printLine } from './output.js'
import { Progress } from './progress.js'
import { wholeNumber } from './settings.js'

interface TableOptions {
  readonly keys?: number
  readonly rounds?: number
  readonly threads?: string
  readonly json?: true
}

const MOST_KEYS = 100_000_000
const MOST_ROUNDS = 1000

async function benchTable(options: TableOptions): Promise<void> {
  const { runTableBench } = await import('../bench/table.js')
  const { formatTableReport } = await import('../bench/table-report.js')
  const progress = new Progress('passes')
  let passes = 0
  const report = await runTableBench({
    ...(options.keys === undefined ? {} : { keys: options.keys }),
    ...(options.rounds === undefined ? {} : { rounds: options.rounds }),
    ...(options.threads === undefined ? {} : { threads: threadCounts(options.threads) }),
    onPass: () => {
      passes += 1
      progress.update(passes, undefined)
    },
  }).finally(() => progress.done())
  if (options.json === true) printJson(report)
  else printLine(formatTableReport(report))
}

function threadCounts(text: string): number[] {
  const counts = text.split(',').map(Number)
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= 64)) {
    throw new UsageError('--threads is a list such as 1,2,4')
  }
  return counts
}

export function benchCommand(): Command {
  const bench = new Command('bench').description('measure this machine')
  bench
    .command('table')
    .description('the table beside Map, lmdb, sharedmap and C++, whichever this machine has')
    .option('--keys <n>', 'keys in the table', wholeNumber(1, MOST_KEYS))
    .option('--rounds <n>', 'passes of each contender', wholeNumber(1, MOST_ROUNDS))
    .option('--threads <list>', 'thread counts to measure, such as 1,2')
    .option('--json', 'the report as JSON')
    .action((options: TableOptions) => benchTable(options))
  return bench
}
