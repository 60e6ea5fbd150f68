/**
 * `hearth backup` and `hearth restore` on the file system: `backup.ts` from one directory into a new one. The copy is made
 * beside its place, under a name that ends in `.partial-` and random letters, and **exists once it has its own name**, by
 * a rename that only replaces nothing or an empty directory. Killed, it leaves the partial one, which nothing reads.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { OperationError } from '../base/errors.js'
import { type BackupMade, backupSteps } from './backup.js'
import { errorCode } from './disk.js'
import { RealDisk } from './real-disk.js'

/** Copies the data directory `from` to `to`, which must not be there or be empty. Throws REFUSED, or as `backupSteps`. */
export function copyDirectory(
  from: string,
  to: string,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
): BackupMade {
  const target = resolve(to)
  if (entriesOf(from) === undefined) throw new OperationError('REFUSED', `there is no directory ${from}`)
  assertFree(target, entriesOf(target))
  const partial = join(dirname(target), `${basename(target)}.partial-${randomBytes(4).toString('hex')}`)
  try {
    const steps = backupSteps({ source: RealDisk.open(from), target: RealDisk.open(partial), onProgress })
    for (;;) {
      const step = steps.next()
      if (step.done !== true) continue
      take(partial, target)
      return step.value
    }
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw error
  }
}

function take(partial: string, target: string): void {
  try {
    renameSync(partial, target)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOTEMPTY' || code === 'EEXIST') assertFree(target, ['something'])
    throw error
  }
  const descriptor = openSync(dirname(target), 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function assertFree(target: string, entries: readonly string[] | undefined): void {
  if (entries !== undefined && entries.length > 0)
    throw new OperationError('REFUSED', `${target} is not empty; choose a directory that is not there yet`)
}

/** What the directory holds; `undefined`: there is none. */
function entriesOf(path: string): string[] | undefined {
  try {
    return readdirSync(path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR') throw new OperationError('REFUSED', `${path} is no directory`)
    throw error
  }
}
