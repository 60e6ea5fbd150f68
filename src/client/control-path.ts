/**
 * Where the registration socket of a server lies: beside its region, under its name, for this user alone.
 *
 * A socket's path may have 107 bytes and no more. So long names stand for themselves as a digest, and a directory that
 * is too deep is reached through a descriptor of it, which is short wherever it leads.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { LAYOUT_VERSION } from '../memory/header.js'
import type { RegionName } from '../memory/region-name.js'

const PREFIX = `hearth-v${LAYOUT_VERSION}.ctl-`
const MOST_PATH_BYTES = 107
const MOST_NAME_BYTES = 48
const DIGEST_LETTERS = 40

/** File name of the socket for a table's name. */
export function controlFile(name: RegionName): string {
  const escaped = encodeURIComponent(name.name)
  if (escaped.length <= MOST_NAME_BYTES) return PREFIX + escaped
  return PREFIX + createHash('sha256').update(name.name).digest('hex').slice(0, DIGEST_LETTERS)
}

export function controlPath(name: RegionName): string {
  return join(name.directory, controlFile(name))
}

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
