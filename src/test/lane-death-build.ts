/**
 * The channel in the instrumented build of the death tests: every store into shared memory goes through the store hook
 * (death-stores.ts), which ends an actor before the first store that it may not do any more.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { copyBase, instrument } from './death-instrument.js'
import { storeHook } from './death-stores.js'
import type { LaneModules } from './lane-world.js'

const DIST = fileURLToPath(new URL('..', import.meta.url))
const INSTRUMENTED = ['memory', 'channel']

/** Breaks a copy: in one file of the channel, `find` becomes `put`. */
export interface LaneBreak {
  readonly file: string
  readonly find: string
  readonly put: string
}

export interface LaneDeathBuild {
  readonly modules: LaneModules
  remove(): void
}

/** Makes the copy, perhaps broken, and loads it. */
export async function laneDeathBuild(broken?: LaneBreak): Promise<LaneDeathBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-lane-death-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  ;(globalThis as Record<string, unknown>)['$stores'] = storeHook
  copyBase(folder)
  for (const layer of INSTRUMENTED) {
    mkdirSync(join(folder, layer))
    for (const name of readdirSync(join(DIST, layer))) {
      if (!name.endsWith('.js') || name.endsWith('.test.js')) continue
      const source =
        broken?.file === name ? breakText(broken, layer) : readFileSync(join(DIST, layer, name), 'utf8')
      writeFileSync(join(folder, layer, name), instrument(source, `${layer}/${name}`))
    }
  }
  const load = (name: string) => import(pathToFileURL(join(folder, 'channel', name)).href)
  return {
    modules: {
      ...(await load('lane-file.js')),
      ...(await load('lane-client.js')),
      ...(await load('lane-worker.js')),
      ...(await load('ledger.js')),
      ...(await load('bell.js')),
      ...(await load('message.js')),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function breakText({ file, find, put }: LaneBreak, layer: string): string {
  const source = readFileSync(join(DIST, layer, file), 'utf8')
  const pieces = source.split(find)
  if (pieces.length !== 2) throw new Error(`${file} has '${find}' ${pieces.length - 1} times, not once`)
  return pieces.join(put)
}
