/**
 * A real process that writes to a log on the real disk is killed while it does; then everything it acknowledged must
 * be there, and what else is there must be what it was about to write. One round a call.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../base/random.js'
import { openLog, readIdentity } from '../log/directory.js'
import { newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { type State, stateSink } from './log-model.js'

/** Kills the writer some times over one directory; returns how many writes were acknowledged and found. */
export async function killRound(seed: number): Promise<number> {
  const path = mkdtempSync(join(tmpdir(), 'hearth-kill-'))
  const random = seededRandom(seed)
  try {
    let acknowledged = 0
    for (let life = 0; life < 3; life++) {
      acknowledged = await oneLife(path, acknowledged, random.nextInt(60))
      const found = readBack(path)
      if (found < acknowledged)
        throw new Error(`seed ${seed}: ${acknowledged} writes were acknowledged, ${found} are there`)
      acknowledged = found
    }
    return acknowledged
  } finally {
    rmSync(path, { recursive: true })
  }
}

/** Runs a writer from number `from` on until `afterMs` after its first word; returns the last number it acknowledged. */
async function oneLife(path: string, from: number, afterMs: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'log-kill-writer.js'), path, String(from)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  await closed
  clearTimeout(timer)
  // Lines that are whole; the last one may be cut.
  const lines = Buffer.concat(chunks).toString('latin1').split('\n').slice(0, -1)
  return Number(lines.at(-1) ?? from)
}

/** Checks that numbers 1 to n are there, each with its own value, and nothing else; returns n. */
function readBack(path: string): number {
  const disk = RealDisk.open(path)
  const state: State = new Map()
  const identity = readIdentity(disk) ?? newIdentity()
  const { writer } = openLog({
    disk,
    identity,
    sink: stateSink(state),
    segmentBytes: 256 * 1024,
    nowMs: () => performance.now(),
    regionTimeMs: Date.now,
  })
  writer.close()
  for (let number = 1; number <= state.size; number++)
    if (state.get(`n${number}`) !== `value of ${number}@Infinity`)
      throw new Error(`${path}: number ${number} of ${state.size} is ${state.get(`n${number}`)}`)
  return state.size
}
