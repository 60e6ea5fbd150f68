/**
 * Where mappings of files end. While the thread runs: once the collector has found the buffer unused, never before, since to
 * touch memory that is gone ends the process. With the thread: the collector does not come to what is left then, and the
 * system keeps it until the process ends; so threads in which nobody but the library runs give it back themselves.
 */
import type { Native } from './native.js'

/** Of this thread; none leads to its buffer, or that would never be unused. */
const ends = new Set<() => void>()
const collected = new FinalizationRegistry<() => void>((end) => end())

/** Unmaps once nothing refers to `buffer` any more. */
export function unmapWith(buffer: ArrayBuffer, native: Native, address: number, bytes: number): void {
  const end = (): void => {
    if (ends.delete(end)) native.unmap(address, bytes)
  }
  ends.add(end)
  collected.register(buffer, end)
}

/**
 * Unmaps what is still mapped when this thread has run its last line. For worker threads of the library alone: code of a user
 * could touch a table after that, in an exit listener of its own.
 */
export function unmapAtExit(): void {
  process.once('exit', () => {
    for (const end of ends) end()
  })
}
