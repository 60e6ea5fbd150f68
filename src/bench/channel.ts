/**
 * The benchmark of the channel: a client's calls through shared memory beside those of two clients of a local redis-server.
 *
 *   calls       one set after the other, each until its answer: the time of one
 *   pipelined   64 sets in flight: how many a second
 *   requests    PUTs and GETs of numbers through original 001's client: by window, by lane workers, by client threads
 *   idle        processor time of a server with four lane workers that nobody asks for anything
 *
 * What is timed has been warmed up by calls of the same kind, over the same connections.
 *
 * A round has a fresh server and fresh processes of each caller; a number is the median of the rounds. Servers lie in a
 * folder of their own beside all others, which goes at the end. What a machine does not have is left out with the reason.
 * Prints nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ChannelPart, channelParts } from './channel-parts.js'
import { ChannelResults } from './channel-results.js'
import { CHANNEL_SECTION_NAMES, type ChannelScale, type ChannelSection } from './channel-scale.js'
import { describeMachine, type Machine } from './machine.js'
import { RedisServer } from './processes-redis.js'
import { type RunProgress, reasonOf } from './section.js'
import { requireCount } from './table.js'

export interface ChannelOptions {
  /** Default 3. */
  readonly rounds?: number
  /** Calls of a caller that blocks or has many in flight, in a round; awaited ones are a tenth. Default 200 000. */
  readonly calls?: number
  /** Requests of a run of original 001's client; default 1 000 000, as the original was measured. */
  readonly requests?: number
  /** How long an idle server is watched; default 5000. */
  readonly idleMs?: number
  /** Default: all. */
  readonly sections?: readonly ChannelSection[]
  /** A step that takes longer is left out; default 180 000. */
  readonly timeoutMs?: number
  readonly onStart?: (machine: Machine, scale: ChannelScale) => void
  readonly onProgress?: (progress: RunProgress) => void
}

export interface ChannelReport {
  readonly machine: Machine
  readonly scale: ChannelScale
  readonly results: ChannelResults
  /** What the redis-server said of itself; undefined where there is none. */
  readonly redisVersion: string | undefined
  readonly seconds: number
}

const DEFAULT_TIMEOUT_MS = 180_000

/** Minutes at the default size. */
export async function runChannelBench(options: ChannelOptions = {}): Promise<ChannelReport> {
  const startMs = performance.now()
  const scale: ChannelScale = {
    rounds: requireCount('rounds', options.rounds ?? 3),
    calls: requireCount('calls', options.calls ?? 200_000),
    requests: requireCount('requests', options.requests ?? 1_000_000),
    idleMs: requireCount('idleMs', options.idleMs ?? 5000),
  }
  const sections = options.sections ?? CHANNEL_SECTION_NAMES
  const machine = describeMachine()
  options.onStart?.(machine, scale)
  const folder = mkdtempSync(join(process.env['HEARTH_SHM_DIR'] ?? '/dev/shm', 'hearth-bench-'))
  const results = new ChannelResults()
  let redis: RedisServer | undefined
  try {
    redis = await startRedis(sections, results)
    const parts = channelParts(scale, sections, redis?.port)
    const place = {
      env: { ...process.env, HEARTH_SHM_DIR: folder },
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    }
    await runRounds(parts, scale.rounds, results, place, options.onProgress ?? (() => {}))
    const seconds = (performance.now() - startMs) / 1000
    return { machine, scale, results, redisVersion: redis?.version, seconds }
  } finally {
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startRedis(
  sections: readonly ChannelSection[],
  results: ChannelResults,
): Promise<RedisServer | undefined> {
  if (!sections.some((section) => section === 'calls' || section === 'pipelined')) return undefined
  try {
    return await RedisServer.start()
  } catch (error) {
    results.leaveOut('redis', reasonOf(error))
    return undefined
  }
}

async function runRounds(
  parts: readonly ChannelPart[],
  rounds: number,
  results: ChannelResults,
  place: { readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number },
  onProgress: (progress: RunProgress) => void,
): Promise<void> {
  const total = parts.length * rounds
  let done = 0
  const tell = (label: string): void => onProgress({ done, total, fraction: 0, label })
  tell('begins')
  for (let round = 1; round <= rounds; round++) {
    for (const part of parts) {
      let ended = 'left out'
      if (!results.isLeftOut(part.key)) {
        try {
          ended = results.add(part, await part.run(place, round))
        } catch (error) {
          results.leaveOut(part.key, reasonOf(error))
        }
      }
      done++
      tell(`round ${round}, ${part.key}: ${ended}`)
    }
  }
}
