/**
 * What a server has beside its region, so that clients find it, and how it is known whether it lives.
 *
 *   hearth-v1.bell-NAME          the bell of its lane workers, as long as it serves
 *   hearth-v1.lane-NAME-7        lanes of its seventh client, until that has mapped them
 *   hearth-v1.ctl-NAME           the registration socket; `@.new-...` behind it while it is made
 *
 * The server keeps one byte of its region's file locked, behind those of the participants, by the rules of KernelPresence.
 * Whatever a dead server has left is removed by the next one, or with the name, under the lock of the name.
 */
import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { LAYOUT_VERSION } from './header.js'
import type { RegionName } from './region-name.js'

/** The byte that a server locks. */
export const SERVER_RECORD = MAX_PARTICIPANTS

const PREFIX = `hearth-v${LAYOUT_VERSION}`
const LANE_TAIL = /^\d+(?:\.bell-\d+)?$/
/**
 * A socket's path may have 107 bytes and no more, so long names stand for themselves as a digest. No name has an `@` in it as it stands
 * in file names, so what has one is no other's.
 */
const MOST_NAME_BYTES = 48
const DIGEST_LETTERS = 40

/** File name of the socket for a table's name. */
export function controlFile(name: RegionName): string {
  const escaped = encodeURIComponent(name.name)
  if (escaped.length <= MOST_NAME_BYTES) return `${PREFIX}.ctl-${escaped}`
  return `${PREFIX}.ctl-@${createHash('sha256').update(name.name).digest('hex').slice(0, DIGEST_LETTERS)}`
}

/** What a directory is called in which that socket is made, but for its last letters. */
export function unfinishedControlPath(name: RegionName): string {
  return `${controlPath(name)}@.new-`
}

export function controlPath(name: RegionName): string {
  return join(name.directory, controlFile(name))
}

/** The name as it stands in file names. */
function escapedOf(name: RegionName): string {
  return basename(name.path).slice(PREFIX.length + 1)
}

export function bellPath(name: RegionName): string {
  return join(name.directory, `${PREFIX}.bell-${escapedOf(name)}`)
}

export function lanePath(name: RegionName, number: number): string {
  return join(name.directory, `${PREFIX}.lane-${escapedOf(name)}-${number}`)
}

/** Removes what a server of that name has left, but for its socket. Needs the name's lock. */
export function sweepServedLocked(name: RegionName): void {
  const lanes = `${PREFIX}.lane-${escapedOf(name)}-`
  const control = basename(unfinishedControlPath(name))
  for (const file of readdirSync(name.directory)) {
    const isLane = file.startsWith(lanes) && LANE_TAIL.test(file.slice(lanes.length))
    if (isLane || file.startsWith(control))
      rmSync(join(name.directory, file), { recursive: true, force: true })
  }
  rmSync(bellPath(name), { force: true })
}

/** Removes all of it. Needs the name's lock. */
export function removeServedLocked(name: RegionName): void {
  rmSync(controlPath(name), { force: true })
  sweepServedLocked(name)
}
