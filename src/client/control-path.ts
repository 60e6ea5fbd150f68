/**
 * A socket's path may have 107 bytes and no more: a directory that is too deep is reached through a descriptor of it,
 * which is short wherever it leads. (Which file it is: memory/served-files.ts.)
 */
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'

const MOST_PATH_BYTES = 107

/** Calls `use` with a path that a socket can have, and that leads to `file` in `directory` as long as `use` runs. */
export function withSocketPath<T>(directory: string, file: string, use: (path: string) => T): T {
  const path = join(directory, file)
  if (Buffer.byteLength(path) <= MOST_PATH_BYTES) return use(path)
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return use(`/proc/self/fd/${descriptor}/${file}`)
  } finally {
    closeSync(descriptor)
  }
}
