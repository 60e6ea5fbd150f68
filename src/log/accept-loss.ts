/**
 * Cuts a damaged log after its last good frame, keeping everything that is cut: files that go as a whole are renamed,
 * a file that is cut is copied before. What is kept has `.lost-N` behind its name, and nothing here ever reads it.
 *
 * Order: the copy is complete and on disk before anything goes; later segments go from the last one backwards; the cut
 * comes last. Interrupted anywhere, whatever has been cut is kept, and the next start goes on from there.
 */
import type { Damage } from './damage.js'
import { type Disk, isDiskFull, readFully, writeFully } from './disk.js'
import { segmentNumber } from './format.js'
import type { PassResult } from './log-pass.js'
import { snapshotEnd } from './snapshot-reader.js'

const COPY_BYTES = 1024 * 1024

/** Returns the names under which the originals are kept. `skipped` are snapshots that can't be read. */
export function acceptLoss(disk: Disk, pass: PassResult, skipped: readonly Damage[]): string[] {
  const names = disk.list()
  const suffix = freeSuffix(names)
  const { good, chain } = pass
  const goodNumber = good === undefined ? 0 : (segmentNumber(good.file) ?? 0)
  const kept: string[] = []
  if (good !== undefined && pass.tail.bytes > 0) {
    copy(disk, good.file, good.file + suffix)
    kept.push(good.file + suffix)
  }
  const gone = [
    ...names.filter((name) => (segmentNumber(name) ?? 0) > goodNumber).reverse(),
    // A snapshot of a moment that the log no longer reaches is of no use, nor is one that can't be read.
    ...skipped.map(({ file }) => file),
    ...names.filter((name) => (snapshotEnd(disk, name) ?? 0) >= chain.nextLsn),
  ]
  for (const name of new Set(gone)) {
    disk.rename(name, name + suffix)
    disk.syncDirectory()
    kept.push(name + suffix)
  }
  if (good !== undefined) cut(disk, good.file, good.offset)
  return kept
}

/** `.lost-N` with the smallest N that no name ends in. */
function freeSuffix(names: readonly string[]): string {
  for (let number = 1; ; number++) {
    const suffix = `.lost-${number}`
    if (!names.some((name) => name.endsWith(suffix))) return suffix
  }
}

function cut(disk: Disk, name: string, size: number): void {
  const file = disk.open(name, 'write')
  try {
    file.truncate(size)
    file.sync()
  } finally {
    file.close()
  }
}

function copy(disk: Disk, from: string, to: string): void {
  const temporary = `${to}.tmp`
  const source = disk.open(from, 'read')
  try {
    const target = disk.open(temporary, 'create')
    try {
      for (let at = 0; at < source.size(); at += COPY_BYTES)
        writeFully(target, readFully(source, at, COPY_BYTES), at)
      target.sync()
    } finally {
      target.close()
    }
  } catch (error) {
    if (isDiskFull(error)) disk.unlink(temporary)
    throw error
  } finally {
    source.close()
  }
  disk.rename(temporary, to)
  disk.syncDirectory()
}
