/**
 * `hearth backup DIR TARGET`: a copy of a data directory, also while a node writes to it, read back before it gets its
 * name. Everything acknowledged before the command began is in it. `hearth restore BACKUP DIR` is the same the other way.
 */
import { Command } from 'commander'
import { formatSize } from '../base/size.js'
import type { BackupMade } from '../log/backup.js'
import { copyDirectory } from '../log/copy-directory.js'
import { asCouldNot, openDataDirectory } from './data-directory.js'
import { printJson, printLine } from './output.js'
import { Progress } from './progress.js'

interface CopyOptions {
  readonly json?: true
}

function copy(from: string, to: string): BackupMade {
  // For what it says of a path that is none.
  openDataDirectory(from)
  const progress = new Progress('MiB')
  try {
    return asCouldNot(() =>
      copyDirectory(from, to, (done, total) =>
        progress.update(Math.round(done / 2 ** 20), done / Math.max(1, total)),
      ),
    )
  } finally {
    progress.done()
  }
}

function report(made: BackupMade, what: string, to: string, { json }: CopyOptions): void {
  const { files, bytes, lastLsn, records, snapshotLsn, segments } = made
  if (json === true) printJson({ target: to, files, bytes, lastLsn, snapshotLsn, segments, records })
  else
    printLine(
      `${what} ${to}: ${formatSize(bytes)} in ${files} files, up to position ${lastLsn}, read back and good`,
    )
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('copy a data directory, also while a node uses it')
    .argument('<dir>', 'a data directory')
    .argument('<target>', 'a directory that is not there yet, or is empty')
    .option('--json', 'one JSON object')
    .action((from: string, to: string, options: CopyOptions) =>
      report(copy(from, to), 'backed up to', to, options),
    )
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('make a data directory of a backup')
    .argument('<backup>', 'what hearth backup has made')
    .argument('<dir>', 'a directory that is not there yet, or is empty')
    .option('--json', 'one JSON object')
    .action((from: string, to: string, options: CopyOptions) =>
      report(copy(from, to), 'restored to', to, options),
    )
}
