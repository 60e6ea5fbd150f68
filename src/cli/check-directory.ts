/**
 * `hearth check DIR`: reads snapshots and log as a start would, changes nothing, and says whether all is well. Exit code 1
 * for damage, with file and offset. A torn tail is none: it is what a crash leaves, and was promised to nobody.
 *
 * Also while a node writes to the directory: what looks wrong may then be a write under way, so it is damage only if a
 * second reading finds it at the same place.
 */
import { type Damage, damageText } from '../log/damage.js'
import { checkLog, type LogCheck } from '../log/inspect.js'
import { type DataDirectory, openDataDirectory, readWhileInUse } from './data-directory.js'
import { answerNo } from './exit.js'
import { printJson, printLines } from './output.js'
import { Progress } from './progress.js'

export interface CheckOptions {
  readonly json?: boolean
}

export interface DirectoryCheck extends LogCheck {
  readonly path: string
  readonly isGood: boolean
}

/** Checks the directory and prints what was found. Throws `UsageError` if it is no data directory. */
export async function checkDirectory(path: string, options: CheckOptions = {}): Promise<void> {
  const check = readDirectoryCheck(openDataDirectory(path))
  if (!check.isGood) answerNo()
  if (options.json === true) printJson(check)
  else await printLines(checkLines(check))
}

export function readDirectoryCheck(directory: DataDirectory): DirectoryCheck {
  const progress = new Progress('MiB')
  try {
    let before: string | undefined
    for (;;) {
      const check = readWhileInUse(() => checkOnce(directory, progress))
      const wrong = wrongIn(check).map(damageText).join()
      if (wrong === '' || wrong === before) return { path: directory.path, isGood: wrong === '', ...check }
      before = wrong
    }
  } finally {
    progress.done()
  }
}

function checkOnce({ disk, identity }: DataDirectory, progress: Progress): LogCheck {
  return checkLog(disk, identity.logId, true, (done, total) =>
    progress.update(Math.round(done / 2 ** 20), done / Math.max(1, total)),
  )
}

function wrongIn({ damage, skipped }: LogCheck): readonly Damage[] {
  return damage === undefined ? skipped : [damage, ...skipped]
}

function checkLines(check: DirectoryCheck): string[] {
  const { path, damage, skipped, tornBytes, lastLsn, records, segments, snapshotLsn } = check
  const snapshot = snapshotLsn === 0 ? 'no snapshot' : `a snapshot at position ${snapshotLsn}`
  const lines = [
    `${path}: ${check.isGood ? 'good' : 'DAMAGED'}`,
    `  ${snapshot}, ${segments} ${segments === 1 ? 'segment' : 'segments'}, ${records} records read, up to position ${lastLsn}`,
  ]
  if (tornBytes > 0)
    lines.push(
      `  the last write was torn: the next start cuts ${tornBytes} bytes that were promised to nobody`,
    )
  if (damage !== undefined) lines.push(`  ${damageText(damage)}; a start refuses`)
  for (const each of skipped)
    if (each !== damage)
      lines.push(`  ${damageText(each)}${damage === undefined ? '; the log makes up for it' : ''}`)
  return lines
}
