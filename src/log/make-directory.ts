/**
 * Makes a directory with those above it. Not by mkdir's `recursive`: that goes round for ever where the system says of a
 * directory which is there that nothing is (`/proc`), and whoever gave such a path would see a node that hangs.
 *
 * What it has made is on disk when it returns: the directory above is synced, or a loss of power could take the new one,
 * with everything that was synced in it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errorCode } from './disk.js'

/** Throws the system's error. A directory that is there already is as good. */
export function makeDirectory(path: string, mode: number): void {
  try {
    makeSynced(path, mode)
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
    makeSynced(path, mode)
  } catch (error) {
    if (!isDirectory(path)) throw error
  }
}

function makeSynced(path: string, mode: number): void {
  mkdirSync(path, { mode })
  let above: number
  try {
    above = openSync(dirname(path), 'r')
  } catch (error) {
    // One may be allowed to make something in a directory that one may not read.
    if (errorCode(error) === 'EACCES') return
    throw error
  }
  try {
    fsyncSync(above)
  } finally {
    closeSync(above)
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
