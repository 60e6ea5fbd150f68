/**
 * 2 MiB pages for large tables of one process: random reads of much memory miss the processor's table of pages nearly
 * every time, and with 4 KiB pages often the page table's own lines too.
 *
 * A wish, granted where the kernel has such pages to give (Linux, transparent huge pages at `madvise` or `always`) and
 * koffi is installed; else nothing is different but the speed. Small tables are left alone: they would take up to 2 MiB
 * for each place they touch, and load koffi for nothing.
 */
import { MIB } from '../base/limits.js'
import { Native, UnsupportedError } from './native.js'

const LEAST_BYTES = 128 * MIB

/** To be called before the buffers are first touched. */
export function preferHugePages(buffers: readonly SharedArrayBuffer[]): void {
  if (buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0) < LEAST_BYTES) return
  try {
    const native = Native.load()
    for (const buffer of buffers) native.preferHugePages(new Uint8Array(buffer))
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error
  }
}
