/**
 * The exclusive lock of a name: what the name points to changes only under it.
 *
 * It is a kernel lock on a file of its own, so it ends with its holder. Whoever has got it looks whether the path still
 * leads to the locked file, and begins again if not; so its holder removes the file, as the last thing it does, and
 * nothing is left in a directory that everybody sees.
 * The file holds the process id of whoever took it last, for messages.
 *
 * For processes and their threads; waiting blocks the thread, for at most the time given.
 */
import { closeSync, constants, fchmodSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { monotonicMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import type { Native } from './native.js'
import { leadsTo, openTrusted } from './region-file.js'
import { noDirectory, type RegionName, SAFELY } from './region-name.js'

const FIRST_SLEEP_MS = 0.2
const LONGEST_SLEEP_MS = 5

/** Runs `work` while this thread holds the lock. Throws OperationError TIMEOUT if somebody else keeps it. */
export function withNameLock<T>(
  native: Native,
  name: RegionName,
  fileMode: number,
  timeoutMs: number,
  work: () => T,
): T {
  const descriptor = take(native, name, fileMode, timeoutMs)
  try {
    return work()
  } finally {
    giveBack(name.lockPath, descriptor)
  }
}

function giveBack(path: string, descriptor: number): void {
  try {
    // Not if it was removed by other means: then the path may lead to the lock of somebody at work.
    if (leadsTo(path, descriptor)) unlinkSync(path)
  } catch (error) {
    // Another user's, in a directory where only its owner may remove it: it stays, and serves the next as it is.
    if (!isCode(error, 'EPERM') && !isCode(error, 'EACCES') && !isCode(error, 'ENOENT')) throw error
  } finally {
    closeSync(descriptor)
  }
}

function take(native: Native, name: RegionName, fileMode: number, timeoutMs: number): number {
  const startedMs = monotonicMs()
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let sleepMs = FIRST_SLEEP_MS; ; sleepMs = Math.min(LONGEST_SLEEP_MS, sleepMs * 2)) {
    const descriptor = openLockFile(name.lockPath, fileMode)
    if (native.lockByte(descriptor, 0)) {
      if (leadsTo(name.lockPath, descriptor)) {
        signLock(descriptor)
        return descriptor
      }
      closeSync(descriptor)
      continue
    }
    closeSync(descriptor)
    const waitedMs = monotonicMs() - startedMs
    if (waitedMs >= timeoutMs) {
      throw new OperationError(
        'TIMEOUT',
        `the name '${name.name}' is being changed by process ${holderOf(name.lockPath)}, which is alive but has not ` +
          `finished for ${Math.round(waitedMs)} ms. Let it go on or end it.`,
        { outcome: 'not-applied' },
      )
    }
    Atomics.wait(sleeper, 0, 0, sleepMs)
  }
}

/** For messages only, so a file system without a byte left does not matter. */
function signLock(descriptor: number): void {
  try {
    writeSync(descriptor, `${process.pid} `, 0)
  } catch (error) {
    if (!isCode(error, 'ENOSPC')) throw error
  }
}

function openLockFile(path: string, fileMode: number): number {
  for (;;) {
    const there = openTrusted(path, fileMode)
    if (there !== undefined) return there
    try {
      const descriptor = openSync(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFELY,
        0o600,
      )
      fchmodSync(descriptor, fileMode)
      return descriptor
    } catch (error) {
      if (isCode(error, 'ENOENT')) throw noDirectory(dirname(path), error)
      if (!isCode(error, 'EEXIST')) throw error
    }
  }
}

function holderOf(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim() || 'unknown'
  } catch {
    return 'unknown'
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}
