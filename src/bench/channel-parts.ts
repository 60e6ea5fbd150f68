/** What the benchmark of the channel measures, as a list: each part with its own server, started for it and stopped. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CALLER_NAMES, CALLERS, type CallerName } from './channel-callers.js'
import { type CallsRequest, type CallsResult, WARM_UP } from './channel-calls.js'
import type { FloorRequest } from './channel-floor.js'
import type { RequestsRequest, RequestsResult } from './channel-requests.js'
import type { ChannelScale, ChannelSection, Sample } from './channel-scale.js'
import { ChannelServer } from './channel-server.js'
import { runChild } from './child.js'
import type { SingleTimes } from './latency-histogram.js'

export interface Place {
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
}

export interface ChannelPart {
  readonly section: ChannelSection
  /** Names it within the report. */
  readonly key: string
  readonly label: string
  run(place: Place, round: number): Promise<Sample>
}

export const PIPELINED = 64
export const IDLE_WORKERS = 4
/** Of rest before an idle server is watched: what it did last is over then. */
export const SETTLING_MS = 2000
/** Requests that go before those that are timed, whatever their number. */
export const warmUpOf = (requests: number): number => Math.ceil(requests / 2)
export const WINDOWS = [1, 4, 16, 64, 256, 1024] as const
const COUNTS = [1, 2, 4] as const
const USUAL_WINDOW = 64
/** A third of all requests ask for one key: what the channel gives where memory hardly counts. */
export const ZIPF = 1.5

const CALLS_PATH = fileURLToPath(new URL('./channel-calls.js', import.meta.url))
const REQUESTS_PATH = fileURLToPath(new URL('./channel-requests.js', import.meta.url))
const FLOOR_PATH = fileURLToPath(new URL('./channel-floor.js', import.meta.url))
const IDLE_PATH = fileURLToPath(new URL('./channel-idle.js', import.meta.url))
const NAME = 'bench'
/** Awaited calls take so much longer. */
const AWAITED_PART = 0.1

export const callsKey = (caller: CallerName): string => `calls ${caller}`
export const pipelinedKey = (caller: CallerName): string => `pipelined ${caller}`
export const requestsKey = (window: number, workers: number, clients: number, skew = 0): string =>
  `requests window ${window}, workers ${workers}, clients ${clients}${skew === 0 ? '' : `, Zipf ${skew}`}`
export const IDLE_KEY = 'idle server'
export const FLOOR_KEY = 'floor of calls'

/** Parts without `redisPort` leave the clients of Redis out. */
export function channelParts(
  scale: ChannelScale,
  sections: readonly ChannelSection[],
  redisPort: number | undefined,
): readonly ChannelPart[] {
  const callers = CALLER_NAMES.filter((name) => redisPort !== undefined || !isRedis(name))
  const parts = [
    floorPart(scale),
    ...callers.filter((name) => name !== 'windowed').map((name) => callsPart(name, scale, redisPort)),
    ...callers.filter((name) => name !== 'blocking').map((name) => pipelinedPart(name, scale, redisPort)),
    ...requestShapes().map((shape) => requestsPart(shape, scale)),
    idlePart(scale),
  ]
  return parts.filter(({ section }) => sections.includes(section))
}

const isRedis = (name: CallerName): boolean => name === 'ioredis' || name === 'node-redis'

interface RequestShape {
  readonly window: number
  readonly workers: number
  readonly clients: number
  readonly skew?: number
}

/** By window with one worker and one client thread; by workers; by client threads; on few keys. */
function requestShapes(): RequestShape[] {
  const others = COUNTS.slice(1)
  return [
    ...WINDOWS.map((window) => ({ window, workers: 1, clients: 1 })),
    ...others.map((workers) => ({ window: USUAL_WINDOW, workers, clients: 1 })),
    ...others.map((clients) => ({ window: USUAL_WINDOW, workers: 1, clients })),
    { window: USUAL_WINDOW, workers: 2, clients: 2 },
    { window: USUAL_WINDOW, workers: 1, clients: 1, skew: ZIPF },
  ]
}

/** What `ask` returns, with the server's processor time by the number of calls it was asked. */
async function withProcessorTime<Result>(
  server: ChannelServer,
  calls: number,
  ask: () => Promise<Result>,
): Promise<Result & { readonly serverNs: number }> {
  const beforeMs = await server.processorMs()
  const result = await ask()
  return { ...result, serverNs: (((await server.processorMs()) - beforeMs) * 1e6) / calls }
}

async function withServer<Result>(
  place: Place,
  laneWorkers: number,
  use: (server: ChannelServer) => Promise<Result>,
): Promise<Result> {
  const server = await ChannelServer.start({ name: NAME, laneWorkers }, place.env)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

function callsOf(
  name: CallerName,
  inFlight: number,
  calls: number,
  redisPort: number | undefined,
  place: Place,
): Promise<CallsResult & { readonly serverNs?: number }> {
  const request = { caller: name, inFlight, calls: Math.ceil(calls) }
  const ask = (at: CallsRequest['at']): Promise<CallsResult> =>
    runChild<CallsResult>(CALLS_PATH, { ...request, at } satisfies CallsRequest, place)
  if (isRedis(name) && redisPort !== undefined) return ask({ port: redisPort })
  return withServer(place, 1, (server) =>
    withProcessorTime(server, calls * (1 + WARM_UP), () => ask({ name: NAME })),
  )
}

function floorPart({ calls }: ChannelScale): ChannelPart {
  return {
    section: 'calls',
    key: FLOOR_KEY,
    label: 'the floor: a word to another thread and back',
    run: async (place) => {
      const request: FloorRequest = { trips: calls }
      const { meanNs, ...others } = await runChild<SingleTimes>(FLOOR_PATH, request, place)
      return { value: meanNs, ...others }
    },
  }
}

function callsPart(name: CallerName, scale: ChannelScale, redisPort: number | undefined): ChannelPart {
  const calls = name === 'blocking' ? scale.calls : scale.calls * AWAITED_PART
  return {
    section: 'calls',
    key: callsKey(name),
    label: CALLERS[name],
    run: async (place) => {
      const { meanNs, ...others } = await callsOf(name, 1, calls, redisPort, place)
      return { value: meanNs, ...others }
    },
  }
}

function pipelinedPart(name: CallerName, scale: ChannelScale, redisPort: number | undefined): ChannelPart {
  return {
    section: 'pipelined',
    key: pipelinedKey(name),
    label: CALLERS[name],
    run: async (place) => {
      const { meanNs, ...others } = await callsOf(name, PIPELINED, scale.calls, redisPort, place)
      return { value: 1000 / meanNs, ...others }
    },
  }
}

function requestsPart(shape: RequestShape, scale: ChannelScale): ChannelPart {
  const { window, workers, clients, skew = 0 } = shape
  return {
    section: 'requests',
    key: requestsKey(window, workers, clients, skew),
    label: `window ${window}, ${workers} lane workers, ${clients} client threads${skew === 0 ? '' : ', Zipf'}`,
    run: (place, round) =>
      withServer(place, workers, async (server) => {
        const request: RequestsRequest = {
          name: NAME,
          // One after the other takes longer.
          requests: window < USUAL_WINDOW ? Math.ceil(scale.requests / 4) : scale.requests,
          warmUp: warmUpOf(scale.requests),
          clients,
          window,
          skew,
          seed: round,
        }
        const sent = request.requests + request.warmUp
        const { millionPerSecond, ...others } = await withProcessorTime(server, sent, () =>
          runChild<RequestsResult>(REQUESTS_PATH, request, place),
        )
        return { value: millionPerSecond, ...others }
      }),
  }
}

function idlePart({ idleMs }: ChannelScale): ChannelPart {
  return {
    section: 'idle',
    key: IDLE_KEY,
    label: `processor time, ${IDLE_WORKERS} lane workers`,
    run: (place) =>
      withServer(place, IDLE_WORKERS, async (server) => {
        const child = fork(IDLE_PATH, [JSON.stringify(server.name)], { env: place.env })
        try {
          await once(child, 'message')
          await new Promise((resolve) => setTimeout(resolve, SETTLING_MS))
          const startMs = performance.now()
          const before = await server.processorMs()
          await new Promise((resolve) => setTimeout(resolve, idleMs))
          const used = (await server.processorMs()) - before
          return { value: (100 * used) / (performance.now() - startMs) }
        } finally {
          const ended = once(child, 'exit')
          child.disconnect()
          await ended
        }
      }),
  }
}
