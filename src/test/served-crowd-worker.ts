/**
 * A client process of a crowd: some threads, each a client with keys of its own, asking in three ways at once and checking
 * every answer against a model. Values say whose they are and carry a check, so none can be torn or another's.
 *
 * Counters that all threads share must be exact in the end. Posts how many requests were answered; throws at the first
 * wrong answer.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Client, codecs, isOperationError } from '../index.js'
import { SeededRandom } from './seeded-random.js'

export interface CrowdTask {
  readonly name: string
  /** Of the process; its threads follow from it. */
  readonly seed: number
  readonly threads: number
  readonly requests: number
}

const KEYS = 40
const WINDOW = 32
const SELF = new URL(import.meta.url)

function valueFor(key: string, serial: number, length: number): string {
  const text = `${key}|${serial}|${'é'.repeat(length % 7)}${'x'.repeat(length)}`
  return `${text}|${digestOf(text)}`
}

const digestOf = (text: string): string => createHash('md5').update(text).digest('base64')

/** Sizes of all kinds: within a slot, within the lane's transfer space, and beyond it. */
function lengthFrom(random: SeededRandom): number {
  if (random.oneIn(400)) return 300_000 + random.below(100_000)
  return random.oneIn(10) ? random.below(20_000) : random.below(200)
}

/** One thread of a client process. */
class Member {
  readonly #client: Client<string, string>
  readonly #counters: Client<string, number>
  readonly #random: SeededRandom
  readonly #prefix: string
  readonly #model = new Map<string, string>()
  readonly #later: Promise<void>[] = []
  /** Windowed requests, oldest first, with the answer they must have. */
  readonly #windowed: { readonly id: number; readonly expected: unknown }[] = []
  #serial = 0
  requests = 0
  counted = 0

  constructor(client: Client<string, string>, counters: Client<string, number>, seed: number) {
    this.#client = client
    this.#counters = counters
    this.#random = new SeededRandom(seed)
    this.#prefix = `member ${seed}`
  }

  async run(requests: number): Promise<void> {
    while (this.requests < requests) {
      for (let i = 0; i < 50; i++) this.#ask()
      await Promise.all(this.#later.splice(0))
    }
    while (this.#windowed.length > 0) this.#collect()
    for (const [key, value] of this.#model) assert.equal(this.#client.sync.get(key), value, key)
  }

  #ask(): void {
    const key = `${this.#prefix} ${this.#random.below(KEYS)}`
    const way = this.#random.below(3)
    this.requests++
    if (this.#random.oneIn(8)) this.#count()
    else if (this.#random.oneIn(2)) this.#put(key, way)
    else this.#read(key, way)
  }

  #put(key: string, way: number): void {
    const old = this.#model.get(key)
    if (this.#random.oneIn(5)) {
      this.#model.delete(key)
      if (way === 0) assert.equal(this.#client.sync.delete(key), old !== undefined)
      else if (way === 1) this.#later.push(this.#expect(this.#client.delete(key), old !== undefined))
      else
        this.#submit(
          () => this.#client.submit('take', key),
          () => this.#client.sync.take(key),
          old,
        )
      return
    }
    const value = valueFor(key, this.#serial++, lengthFrom(this.#random))
    this.#model.set(key, value)
    if (way === 0) this.#client.sync.set(key, value)
    else if (way === 1) this.#later.push(this.#expect(this.#client.exchange(key, value), old))
    else
      this.#submit(
        () => this.#client.submit('set', key, value),
        () => this.#client.sync.set(key, value),
        undefined,
      )
  }

  #read(key: string, way: number): void {
    const expected = this.#model.get(key)
    if (way === 0) assert.equal(this.#client.sync.get(key), expected, key)
    else if (way === 1) this.#later.push(this.#expect(this.#client.get(key), expected))
    else
      this.#submit(
        () => this.#client.submit('get', key),
        () => this.#client.sync.get(key),
        expected,
      )
  }

  #count(): void {
    this.counted++
    if (this.#random.oneIn(2)) this.#counters.sync.increment('counter')
    else this.#later.push(this.#counters.increment('counter').then(() => {}))
  }

  /** By the window; blocking if calls with promises have filled it. */
  #submit(submit: () => number, block: () => unknown, expected: unknown): void {
    if (this.#windowed.length >= WINDOW) this.#collect()
    try {
      this.#windowed.push({ id: submit(), expected })
    } catch (error) {
      if (!isOperationError(error, 'BACK_PRESSURE')) throw error
      assert.equal(block(), expected)
    }
  }

  #collect(): void {
    const { id, expected } = this.#windowed.shift()!
    assert.equal(this.#client.sync.result(id), expected)
  }

  async #expect(answer: Promise<unknown>, expected: unknown): Promise<void> {
    assert.equal(await answer, expected)
  }
}

async function beMember({ name, seed, requests }: CrowdTask): Promise<{ requests: number; counted: number }> {
  // Half of the window is for requests that are collected by hand, the rest for the others.
  const options = { window: WINDOW * 2, timeoutMs: Number(process.env['CROWD_MS'] ?? 60_000) }
  await using client = await Client.connect(name, options)
  await using counters = await Client.connect(name, { ...options, values: codecs.int32 })
  const member = new Member(client, counters, seed)
  await member.run(requests)
  return { requests: member.requests, counted: member.counted }
}

if (!isMainThread) parentPort!.postMessage(await beMember(workerData as CrowdTask))
else {
  const task = JSON.parse(process.argv[2]!) as CrowdTask
  const others = Array.from({ length: task.threads - 1 }, (_, i) => {
    return new Worker(SELF, { workerData: { ...task, seed: task.seed + i + 1 } })
  })
  const reports = await Promise.all([
    beMember(task),
    ...others.map(
      async (worker) => (await once(worker, 'message'))[0] as { requests: number; counted: number },
    ),
  ])
  process.send?.({
    requests: reports.reduce((sum, { requests }) => sum + requests, 0),
    counted: reports.reduce((sum, { counted }) => sum + counted, 0),
  })
  process.disconnect?.()
}
