/**
 * Makes a directory with those above it. Not by mkdir's `recursive`: that goes round for ever where the system says of a
 * directory which is there that nothing is (`/proc`), and whoever gave such a path would see a node that hangs.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errorCode } from './disk.js'

/** Throws the system's error. A directory that is there already is as good. */
export function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isDirectory(path)) return
    const parent = dirname(path)
    if (errorCode(error) !== 'ENOENT' || parent === path || isThere(parent)) throw error
    makeDirectory(parent, mode)
    makeLast(path, mode)
  }
}

/** Its parent is there; somebody else may make it just now. */
function makeLast(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
