/**
 * A durable node, a process of its own, is killed under load from both of its fronts, again and again over one directory.
 * After each restart every acknowledged write is there, nothing is half there, and no value that anybody has ever read has
 * been taken back.
 *
 * Every key counts up: its value is a number, behind it letters that follow from it. So of each key three numbers tell
 * everything: the highest that was sent, acknowledged, and read. What a restart finds lies between.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isOperationError } from '../base/errors.js'
import { RespClient } from '../client/resp-client.js'
import { Client } from '../index.js'
import { SeededRandom } from './seeded-random.js'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const READY = /Redis protocol on 127\.0\.0\.1:(\d+) /
const KEYS = 12
const RESP_WRITERS = 8
const CLIENT_WRITERS = 8
const MOST_PAD = 1500

export interface CrashOptions {
  readonly directory: string
  readonly name: string
  readonly seed: number
  /** How often it is killed. */
  readonly kills: number
  /** Longest life after it is ready. */
  readonly mostLifeMs: number
  /** No further life begins after this, but for the first two. */
  readonly mostMs: number
  readonly durability?: 'always' | 'interval' | 'os'
}

export interface CrashCounts {
  kills: number
  acknowledged: number
  reads: number
  /** Sent and neither acknowledged nor found afterwards. */
  lost: number
}

interface Track {
  sent: number
  acknowledged: number
  read: number
}

function padOf(key: string, n: number): string {
  return String.fromCharCode(97 + ((n + key.length) % 26)).repeat((n * 37) % MOST_PAD)
}

function textOf(key: string, n: number): string {
  return `${n}|${padOf(key, n)}`
}

/** The number of a stored text, 0 for none. Throws if it is not whole, or another key's. */
function numberOf(key: string, text: string | undefined): number {
  if (text === undefined) return 0
  const n = Number(text.slice(0, text.indexOf('|')))
  if (textOf(key, n) !== text)
    throw new Error(`${key} holds something that nobody wrote: ${text.slice(0, 60)}`)
  return n
}

class CrashRun {
  readonly counts: CrashCounts = { kills: 0, acknowledged: 0, reads: 0, lost: 0 }
  readonly #options: CrashOptions
  readonly #random: SeededRandom
  readonly #tracks = new Map<string, Track>()
  #child: ChildProcess | undefined
  #isOver = false
  #whenShown: (() => void) | undefined

  constructor(options: CrashOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  async run(): Promise<void> {
    const { kills, mostMs } = this.#options
    const endMs = performance.now() + mostMs
    await this.#check(await this.#start())
    while (this.counts.kills < kills && (this.counts.kills < 2 || performance.now() < endMs)) {
      await this.#live(this.#port)
      this.counts.kills++
      await this.#check(await this.#start())
    }
  }

  /** Once somebody was acknowledged a write, and somebody has read one. */
  #tellShown(): void {
    const { acknowledged, reads } = this.counts
    if (acknowledged === 0 || reads === 0) return
    this.#whenShown?.()
    this.#whenShown = undefined
  }

  /** Resolves once the node has ended and touches nothing any more. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  #port = 0

  async #start(): Promise<number> {
    const { name, directory, durability = 'always' } = this.#options
    const flags = ['--name', name, '--data-dir', directory, '--durability', durability]
    const more = ['--resp-port', '0', '--capacity', '16MiB']
    const child = spawn(process.execPath, [MAIN, 'serve', ...flags, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    let out = ''
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    for await (const text of child.stdout.setEncoding('utf8')) {
      out += String(text)
      const port = READY.exec(out)?.[1]
      if (port === undefined || !out.includes('Ctrl-C')) continue
      child.stdout.resume()
      this.#port = Number(port)
      return this.#port
    }
    throw new Error(`the node did not start: ${complaint}`)
  }

  /** Load from both fronts until the node is killed. */
  async #live(port: number): Promise<void> {
    this.#isOver = false
    const resp = await RespClient.connect('127.0.0.1', port)
    const reader = await RespClient.connect('127.0.0.1', port)
    const client = await Client.connect(this.#options.name, { timeoutMs: 30_000 })
    const exited = once(this.#child!, 'exit')
    const load = [
      ...Array.from({ length: RESP_WRITERS }, (_, i) => this.#writeByResp(resp, `resp ${i}`)),
      this.#writePairs(await RespClient.connect('127.0.0.1', port)),
      ...Array.from({ length: CLIENT_WRITERS }, (_, i) => this.#writeByClient(client, `client ${i}`)),
      this.#readByResp(reader),
      this.#readByClient(client),
    ]
    let timer: NodeJS.Timeout | undefined
    const dieSoon = (): void => {
      timer = setTimeout(() => {
        this.#isOver = true
        this.#child?.kill('SIGKILL')
      }, this.#random.below(this.#options.mostLifeMs))
    }
    // Where the machine is slow, every life might end before anybody was told anything; the second never does.
    if (this.counts.kills === 1) this.#whenShown = dieSoon
    else dieSoon()
    this.#tellShown()
    try {
      await Promise.all(load)
    } finally {
      clearTimeout(timer)
    }
    await exited
    await client.close()
  }

  /** Runs `step` until the node has gone; an error before that is one. */
  async #untilGone(step: () => Promise<void>): Promise<void> {
    try {
      for (;;) await step()
    } catch (error) {
      if (!this.#isOver) throw error
      const isExpected = isOperationError(error) || (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (!isExpected) throw error
    }
  }

  #track(key: string): Track {
    let track = this.#tracks.get(key)
    if (track === undefined) {
      track = { sent: 0, acknowledged: 0, read: 0 }
      this.#tracks.set(key, track)
    }
    return track
  }

  #writeByResp(resp: RespClient, writer: string): Promise<void> {
    return this.#untilGone(async () => {
      const key = `${writer}, key ${this.#random.below(KEYS)}`
      const track = this.#track(key)
      const n = ++track.sent
      await resp.call('SET', key, textOf(key, n))
      this.#acknowledge(track, n)
    })
  }

  /** Two keys at one moment. */
  #writePairs(resp: RespClient): Promise<void> {
    return this.#untilGone(async () => {
      const one = this.#track('pair one')
      const other = this.#track('pair other')
      const n = Math.max(one.sent, other.sent) + 1
      one.sent = other.sent = n
      const replies = await Promise.all([
        resp.call('MULTI'),
        resp.call('SET', 'pair one', textOf('pair one', n)),
        resp.call('SET', 'pair other', textOf('pair other', n)),
        resp.call('EXEC'),
      ])
      if (!Array.isArray(replies[3])) throw new Error(`EXEC answered ${String(replies[3])}`)
      this.#acknowledge(one, n)
      this.#acknowledge(other, n)
    })
  }

  #writeByClient(client: Client, writer: string): Promise<void> {
    return this.#untilGone(async () => {
      const key = `${writer}, key ${this.#random.below(KEYS)}`
      const track = this.#track(key)
      const n = ++track.sent
      await client.set(key, textOf(key, n))
      this.#acknowledge(track, n)
    })
  }

  #acknowledge(track: Track, n: number): void {
    track.acknowledged = Math.max(track.acknowledged, n)
    this.counts.acknowledged++
    this.#tellShown()
  }

  #anyKey(): string {
    const writer = this.#random.oneIn(2)
      ? `resp ${this.#random.below(RESP_WRITERS)}`
      : `client ${this.#random.below(CLIENT_WRITERS)}`
    return this.#random.oneIn(8) ? 'pair one' : `${writer}, key ${this.#random.below(KEYS)}`
  }

  #note(key: string, text: string | undefined): void {
    const track = this.#track(key)
    track.read = Math.max(track.read, numberOf(key, text))
    this.counts.reads++
    this.#tellShown()
  }

  #readByResp(resp: RespClient): Promise<void> {
    return this.#untilGone(async () => {
      const key = this.#anyKey()
      this.#note(key, (await resp.call('GET', key))?.toString())
    })
  }

  /** Past the lanes, from shared memory, in little bursts: the event loop belongs to the writers, too. */
  #readByClient(client: Client): Promise<void> {
    return this.#untilGone(async () => {
      for (let i = 0; i < 20; i++) {
        const key = this.#anyKey()
        this.#note(key, await client.get(key))
      }
      await new Promise((resolve) => setImmediate(resolve))
    })
  }

  /** What the restarted node holds. */
  async #check(port: number): Promise<void> {
    const resp = await RespClient.connect('127.0.0.1', port)
    const pair: number[] = []
    for (const [key, track] of this.#tracks) {
      const found = numberOf(key, (await resp.call('GET', key))?.toString())
      const { sent, acknowledged, read } = track
      const story = `${key}: sent ${sent}, acknowledged ${acknowledged}, read ${read}, found ${found}`
      if (found < acknowledged && this.#options.durability !== 'interval')
        throw new Error(`a write is lost. ${story}`)
      if (found < read) throw new Error(`a value that was read has been taken back. ${story}`)
      if (found > sent) throw new Error(`nobody sent this. ${story}`)
      this.counts.lost += sent - found
      // Numbers are used once: what was sent and lost must never come back.
      track.acknowledged = track.read = found
      if (key.startsWith('pair')) pair.push(found)
    }
    if (pair[0] !== pair[1]) throw new Error(`half of a transaction: ${pair.join(' and ')}`)
    await resp.close()
  }
}

/** Rejects with the first thing that was wrong. */
export async function crashNode(options: CrashOptions): Promise<CrashCounts> {
  const run = new CrashRun(options)
  try {
    await run.run()
    return run.counts
  } finally {
    await run.close()
  }
}
