/**
 * A client of a storm, in a thread or in a process of its own: asks for a while in all ways at once, and checks every
 * answer. Reports how many it had, or what was wrong.
 *
 * Ways: blocking, a window of requests that are polled, promises woken in the event loop, and requests given up. A worker
 * that is ended on purpose may leave LOST and NOT_TAKEN, and only then.
 */
import { strict as assert } from 'node:assert'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import { LaneClient } from '../channel/lane-client.js'
import { LaneFile, type LaneFileHandle } from '../channel/lane-file.js'
import { CHANNEL_STATUS } from '../channel/layout.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import { Message } from '../channel/message.js'
import { ReplyWatch } from '../channel/reply-watch.js'
import { askStorm, checkStorm } from './lane-storm-message.js'
import { SeededRandom } from './seeded-random.js'

export interface StormClientData {
  readonly client: number
  readonly seed: number
  readonly requests: number
  readonly bell: SharedHandle
  /** Of a file, its path. */
  readonly file: LaneFileHandle | string
  /** Workers are ended at random. */
  readonly mayLose: boolean
}

export interface StormReport {
  readonly answered: number
  readonly lost: number
  readonly givenUp: number
  readonly error?: string
}

const TIMEOUT_MS = 60_000

class StormClient {
  readonly #data: StormClientData
  readonly #lane: LaneClient
  readonly #random: SeededRandom
  readonly #request = new Message()
  readonly #reply = new Message()
  readonly #transferBytes: number
  #number = 0
  answered = 0
  lost = 0
  givenUp = 0

  constructor(data: StormClientData) {
    this.#data = data
    const file = typeof data.file === 'string' ? LaneFile.open(data.file) : LaneFile.attach(data.file)
    this.#lane = LaneClient.open(file, { bell: Bell.attach(data.bell), isServerAlive: () => true })
    this.#random = new SeededRandom(data.seed)
    this.#transferBytes = file.geometry.transferBytes
  }

  async run(): Promise<void> {
    while (this.#number < this.#data.requests) {
      const way = this.#random.below(3)
      if (way === 0) for (let i = 0; i < 50; i++) this.#block()
      else if (way === 1) this.#window(200)
      else await this.#promise(100)
      this.#collectAll([])
    }
    this.#drain()
    this.#lane.close()
  }

  /** Sends the next one; undefined if there is no room. */
  #send(): { id: number; number: number } | undefined {
    const number = this.#number + 1
    askStorm(this.#request, this.#data.client, number, this.#random, this.#transferBytes)
    const id = this.#lane.trySubmit(this.#request)
    if (id === 0) return undefined
    this.#number = number
    return { id, number }
  }

  #block(): void {
    const sent = this.#send()
    assert.ok(sent !== undefined, 'there is room when nothing is in flight')
    assert.ok(this.#lane.wait(sent.id, this.#reply, TIMEOUT_MS), 'a reply comes')
    this.#judge(sent.number)
  }

  #window(requests: number): void {
    const flying: { id: number; number: number }[] = []
    for (let sent = 0; sent < requests; ) {
      const next = this.#send()
      if (next === undefined) this.#collect(flying)
      else {
        sent++
        if (this.#random.below(20) > 0) flying.push(next)
        else {
          this.#lane.giveUp(next.id)
          this.givenUp++
        }
      }
    }
    this.#collectAll(flying)
  }

  /** The oldest, or if all were given up, room. */
  #collect(flying: { id: number; number: number }[]): void {
    const oldest = flying.shift()
    if (oldest === undefined) {
      this.#lane.pump()
      return
    }
    assert.ok(this.#lane.wait(oldest.id, this.#reply, TIMEOUT_MS), 'a reply comes')
    this.#judge(oldest.number)
  }

  #collectAll(flying: { id: number; number: number }[]): void {
    while (flying.length > 0) this.#collect(flying)
    this.#drain()
  }

  /** Until what was given up has been answered, too. */
  #drain(): void {
    const endMs = performance.now() + TIMEOUT_MS
    while (this.#lane.inFlight > 0) {
      this.#lane.pump()
      assert.ok(performance.now() < endMs, 'what was given up is answered')
    }
  }

  #promise(requests: number): Promise<void> {
    const flying = new Map<number, number>()
    let left = requests
    return new Promise<void>((resolve, reject) => {
      const more = () => {
        for (let next = left > 0 ? this.#send() : undefined; next !== undefined; ) {
          flying.set(next.id, next.number)
          left--
          next = left > 0 ? this.#send() : undefined
        }
      }
      const look = () => {
        for (const [id, number] of flying) {
          if (!this.#lane.poll(id, this.#reply)) continue
          flying.delete(id)
          this.#judge(number)
        }
        more()
        if (flying.size > 0 || left > 0) return true
        watch.close()
        resolve()
        return false
      }
      const watch = new ReplyWatch(this.#lane, { look, gone: reject })
      more()
      watch.begin()
    })
  }

  #judge(number: number): void {
    const { code } = this.#reply
    if (this.#data.mayLose && (code === CHANNEL_STATUS.LOST || code === CHANNEL_STATUS.NOT_TAKEN)) {
      this.lost++
      return
    }
    checkStorm(this.#reply, this.#data.client, number)
    this.answered++
  }
}

async function play(data: StormClientData): Promise<StormReport> {
  const client = new StormClient(data)
  let error: string | undefined
  try {
    await client.run()
  } catch (thrown) {
    error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  }
  const { answered, lost, givenUp } = client
  return { answered, lost, givenUp, ...(error === undefined ? {} : { error }) }
}

if (isMainThread) process.once('message', async (data) => process.send?.(await play(data as StormClientData)))
else parentPort?.postMessage(await play(workerData as StormClientData))
