/**
 * Named tables of a test live in a directory of their own in /dev/shm, so that tests meet neither each other's nor
 * anybody's, and nothing is left when the process ends, however it does so in JavaScript.
 */
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'
import { Native } from '../memory/native.js'

/** Says why named tables cannot be tested here; false if they can. For the `skip` of tests. */
export const NO_NAMED_TABLES: string | false =
  platform() === 'linux' && existsSync('/dev/shm') ? false : 'named tables need Linux with /dev/shm'

/** A file by which processes tell each other to go on. */
export const GATE_BYTES = 8

/** Where the run of the tests wants them: it looks in the end whether anything is left. */
const PARENT = process.env['HEARTH_TEST_SHM'] ?? '/dev/shm'

/** Makes the directory, and has this process and its children use it. */
export function useScratchDirectory(parent = PARENT): string {
  const directory = mkdtempSync(join(parent, 'hearth-test-'))
  process.env['HEARTH_SHM_DIR'] = directory
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The files there whose names say that they are neither a region nor on purpose. */
export function leftovers(directory: string): string[] {
  return readdirSync(directory).filter((file) => file.includes('.new-') || file.includes('.lock-'))
}

/** Zeroed memory that processes share by the file's name; made by the first who asks. */
export function mapFile(path: string, bytes: number): ArrayBuffer {
  const descriptor = openSync(path, 'a+', 0o600)
  try {
    ftruncateSync(descriptor, bytes)
    const mapping = Native.load().map(descriptor, 0, bytes)
    if (mapping === undefined) throw new Error(`cannot map ${path}`)
    return mapping.buffer
  } finally {
    closeSync(descriptor)
  }
}
