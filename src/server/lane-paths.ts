/**
 * Names of the files that a server shares with its clients, beside its region:
 *
 *   hearth-v1.bell-NAME          the bell of its lane workers, as long as it serves
 *   hearth-v1.lane-NAME-7        lanes of its seventh client, until that has mapped them
 *   hearth-v1.ctl-NAME           the registration socket; `.new-...` behind it while it is made
 *
 * Whatever of these a dead server has left is removed by the next one, under the lock of the name.
 */
import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { controlFile } from '../client/control-path.js'
import { LAYOUT_VERSION } from '../memory/header.js'
import type { RegionName } from '../memory/region-name.js'

const PREFIX = `hearth-v${LAYOUT_VERSION}`
const LANE_TAIL = /^\d+(?:\.bell-\d+)?$/

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

/** Removes what a server of that name has left. Needs the name's lock. */
export function sweepServedLocked(name: RegionName): void {
  const lanes = `${PREFIX}.lane-${escapedOf(name)}-`
  const control = `${controlFile(name)}.new-`
  for (const file of readdirSync(name.directory)) {
    const isLane = file.startsWith(lanes) && LANE_TAIL.test(file.slice(lanes.length))
    if (isLane || file.startsWith(control))
      rmSync(join(name.directory, file), { recursive: true, force: true })
  }
  rmSync(bellPath(name), { force: true })
}
