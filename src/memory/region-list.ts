/** The named regions that are there: what their files say, without mapping them. A report of one moment. */
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { HEADER, REGION_STATE } from './header.js'
import type { Native } from './native.js'
import { type RegionFront, readFront, segmentBytesOf } from './region-file.js'
import { nameOfFile, noDirectory, type RegionName, regionName, SAFELY, shmDirectory } from './region-name.js'

export interface RegionReport {
  readonly name: RegionName
  /** `damaged`: no region of this layout; `front` then says nothing. */
  readonly state: 'ready' | 'retired' | 'damaged'
  readonly front: RegionFront
  /** Size of the file, most of it never touched. */
  readonly sizeBytes: number
  /** Memory that it takes. */
  readonly usedBytes: number
  /** Threads that use it now and live. */
  readonly participants: number
}

/** Those of this user's, and of others' who let it read theirs, by name. */
export function listRegions(native: Native): RegionReport[] {
  return namesIn(shmDirectory())
    .filter((name) => name !== undefined)
    .sort()
    .flatMap((name) => reportOn(native, regionName(name)) ?? [])
}

function namesIn(directory: string): (string | undefined)[] {
  try {
    return readdirSync(directory).map(nameOfFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noDirectory(directory, error)
    throw error
  }
}

function reportOn(native: Native, name: RegionName): RegionReport | undefined {
  let descriptor: number
  try {
    descriptor = openSync(name.path, constants.O_RDONLY | SAFELY)
  } catch {
    // Gone since, or not ours to read.
    return undefined
  }
  try {
    const { size, blocks } = fstatSync(descriptor)
    const { state, front } = inspect(name, descriptor)
    return {
      name,
      state,
      front,
      sizeBytes: size,
      usedBytes: blocks * 512,
      participants: countPresent(native, descriptor),
    }
  } finally {
    closeSync(descriptor)
  }
}

function inspect(name: RegionName, descriptor: number): Pick<RegionReport, 'state' | 'front'> {
  let front: RegionFront = { words: new Int32Array(0), floats: new Float64Array(0) }
  try {
    front = readFront(name, descriptor)
    segmentBytesOf(name, descriptor, front)
  } catch {
    return { state: 'damaged', front }
  }
  return { state: front.words[HEADER.state] === REGION_STATE.READY ? 'ready' : 'retired', front }
}

function countPresent(native: Native, descriptor: number): number {
  let count = 0
  for (let index = 0; index < MAX_PARTICIPANTS; index++) if (native.isByteLocked(descriptor, index)) count++
  return count
}
