/**
 * `hearth wal-dump DIR`: every record of the log, a line of JSON each, in the order of their positions; also behind damage,
 * which is told on stderr and makes the exit code 1. With --json the facts of files and frames come between, as lines
 * with a `kind`. A record:
 *
 *   {"lsn":7,"type":"set","key":"a","value":"1","expiresAtMs":1700000000000}
 *
 * `key64` and `value64` are base64 where bytes are no UTF-8. Changes nothing; a node may be writing meanwhile.
 */
import { Command } from 'commander'
import { damageText } from '../log/damage.js'
import { type Finding, type InspectedRecord, inspectLog } from '../log/inspect.js'
import { readDirectoryCheck } from './check-directory.js'
import { asCouldNot, openDataDirectory } from './data-directory.js'
import { answerNo, UsageError } from './exit.js'
import { printLines } from './output.js'
import { Progress } from './progress.js'
import { textOrBase64 } from './record.js'
import { wholeNumber } from './settings.js'

interface DumpOptions {
  readonly from: number
  readonly to: number
  readonly json?: true
}

async function dump(path: string, options: DumpOptions): Promise<void> {
  if (options.from > options.to) throw new UsageError(`--from ${options.from} is behind --to ${options.to}`)
  const directory = openDataDirectory(path)
  const lines = new LineBatch()
  // Records on the same terminal show that it goes on.
  const progress = process.stdout.isTTY === true ? undefined : new Progress('records')
  /** The last thing that could not be read. Only what no other segment follows can be a torn tail. */
  let torn: Extract<Finding, { kind: 'fault' }> | undefined
  const findings = inspectLog(directory.disk, directory.identity.logId)
  try {
    for (;;) {
      const { value: finding, done } = asCouldNot(() => findings.next())
      if (done === true) break
      if (torn !== undefined && finding.kind === 'segment') tell(torn)
      if (finding.kind === 'segment') torn = undefined
      if (finding.kind === 'fault') torn = finding
      await lines.add(linesOf(finding, options))
      progress?.update(lines.records, undefined)
    }
    await lines.flush()
  } finally {
    progress?.done()
  }
  if (torn !== undefined && !readDirectoryCheck(directory).isGood) tell(torn)
}

function tell({ damage }: Extract<Finding, { kind: 'fault' }>): void {
  answerNo()
  process.stderr.write(`hearth: cannot be read: ${damageText(damage)}\n`)
}

const LINES_AT_ONCE = 1000

/** Gathers lines and prints them in batches, waiting when the reader is slower. */
class LineBatch {
  #lines: string[] = []
  records = 0

  async add(lines: readonly string[]): Promise<void> {
    this.#lines.push(...lines)
    this.records += lines.length
    if (this.#lines.length >= LINES_AT_ONCE) await this.flush()
  }

  async flush(): Promise<void> {
    const lines = this.#lines
    this.#lines = []
    await printLines(lines)
  }
}

function linesOf(finding: Finding, { from, to, json }: DumpOptions): string[] {
  const facts = json === true ? factsOf(finding, from, to) : undefined
  const records =
    finding.kind === 'frame'
      ? finding.records.filter(({ lsn }) => lsn >= from && lsn <= to).map(recordLine)
      : []
  return facts === undefined ? records : [JSON.stringify(facts), ...records]
}

/** What stands in a file beside records; `undefined`: nothing of these positions. */
function factsOf(finding: Finding, from: number, to: number): object | undefined {
  switch (finding.kind) {
    case 'snapshot':
    case 'end':
      return finding
    case 'fault':
      return { kind: finding.kind, ...finding.damage }
    case 'segment': {
      const { firstLsn, number, epoch, regionTimeMs } = finding.header
      const { kind, file, sizeBytes } = finding
      return { kind, file, sizeBytes, number, firstLsn, epoch: epoch.number, regionTimeMs }
    }
    case 'frame': {
      const { firstLsn, count, syncedLsn, releasedLsn, regionTimeMs } = finding.head
      if (firstLsn > to || firstLsn + count <= from) return undefined
      const { kind, frameKind, file, offset, bytes } = finding
      return { kind, frameKind, file, offset, bytes, firstLsn, count, syncedLsn, releasedLsn, regionTimeMs }
    }
  }
}

function recordLine({ lsn, type, key, value, expiresAtMs }: InspectedRecord): string {
  return JSON.stringify({
    lsn,
    type,
    ...(type === 'clear' ? {} : textOrBase64('key', key)),
    ...(type === 'set' ? textOrBase64('value', value) : {}),
    ...(expiresAtMs === Infinity ? {} : { expiresAtMs }),
  })
}

export function walDumpCommand(): Command {
  return new Command('wal-dump')
    .description('print every record of a log as a line of JSON')
    .argument('<dir>', 'a data directory')
    .option('--from <lsn>', 'first position', wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option('--to <lsn>', 'last position', wholeNumber(1, Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
    .option('--json', 'files and frames, too: lines with a kind')
    .action(dump)
}
