/**
 * `hearth workload`: makes the two files of original 001, a workload and what its GETs must return. `bin/client` sends
 * and checks them. The same options and seed make the same files.
 */
import { Command, InvalidArgumentError } from 'commander'
import { FileFault } from '../workload/file-fault.js'
import { MAX_REQUESTS } from '../workload/generator.js'
import { writeWorkload } from '../workload/workload-writer.js'
import { UsageError } from './exit.js'
import { printJson, printLine } from './output.js'
import { Progress } from './progress.js'
import { wholeNumber } from './settings.js'

interface WorkloadFlags {
  readonly requests: number
  readonly skew: number
  readonly ratio: number
  readonly seed: number
  readonly output: string
  readonly expected: string
  readonly json?: true
}

const MAX_SEED = 0xffffffff
const MAX_SKEW = 100

function numberUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= 0 && value <= most)) {
      throw new InvalidArgumentError(`It must be a number from 0 to ${most}.`)
    }
    return value
  }
}

function write({ requests, skew, ratio, seed, output, expected, json }: WorkloadFlags): void {
  if (output === expected) throw new UsageError('the workload and its solution are two files')
  const progress = new Progress('requests')
  try {
    const { puts, gets } = writeWorkload(
      { requests, skew, putRatio: ratio, seed },
      { workload: output, solution: expected },
      (done) => progress.update(done, done / requests),
    )
    progress.done()
    if (json === true) printJson({ workload: output, solution: expected, puts, gets, seed })
    else printLine(`${output}: ${puts} puts and ${gets} gets; ${expected}: what the gets must return`)
  } catch (error) {
    throw error instanceof FileFault ? new UsageError(error.message) : error
  } finally {
    progress.done()
  }
}

export function workloadCommand(): Command {
  return new Command('workload')
    .description('write a file of requests for bin/client, and one of the answers they must get')
    .option('-n, --requests <n>', 'how many', wholeNumber(0, MAX_REQUESTS), 1_000_000)
    .option(
      '-s, --skew <s>',
      '0 to 1: uniform, each key put once; above 1: Zipf with that exponent',
      numberUpTo(MAX_SKEW),
      0,
    )
    .option('-r, --ratio <r>', 'puts by requests, 0 to 1', numberUpTo(1), 0.5)
    .option('--seed <n>', 'another seed, another workload', wholeNumber(0, MAX_SEED), 1)
    .option('-o, --output <file>', 'the workload', 'workload.txt')
    .option('-e, --expected <file>', 'what the gets must return, a line each', 'solution.txt')
    .option('--json', 'print what was written as JSON')
    .action(write)
}
