/**
 * One thread of a storm. A reader gets, in all the ways there are, a fixed number of times and judges every value. A
 * writer, until the last reader is done, sets, deletes, takes, exchanges and clears; now and then it inserts a burst
 * of thousands of entries and deletes them, so that stripes grow and chunks change hands. Each key has one writer, so
 * its sequence numbers only rise, and a reader that sees one go back has seen a dead value.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import type { SharedMapHandle } from '../map/entry.js'
import { SharedMap } from '../map/shared-map.js'
import { SeededRandom } from './seeded-random.js'
import { StormBoard } from './storm-board.js'
import { STORM_BYTES, STORM_TEXT, type StormForm, stormId, stormKey } from './storm-values.js'

export interface StormWorkerData {
  readonly kind: 'text' | 'bytes'
  readonly table: SharedMapHandle
  readonly board: SharedArrayBuffer
  readonly role: 'reader' | 'writer'
  /** Among all threads, readers first; `place` among its own role. */
  readonly thread: number
  readonly place: number
  readonly writers: number
  readonly seed: number
  readonly keys: number
  /** Of a reader. */
  readonly reads: number
}

export interface StormCounts {
  reads: number
  hits: number
  writes: number
  fulls: number
  bursts: number
  clears: number
}

const FIRST_BURST_ID = 1_000_000
const BURST_KEYS = 2000

/** What both roles are given. */
interface StormPart<V> {
  readonly data: StormWorkerData
  readonly map: SharedMap<string, V>
  readonly form: StormForm<V>
  readonly random: SeededRandom
  readonly board: StormBoard
  readonly counts: StormCounts
}

class StormReader<V> {
  readonly #part: StormPart<V>
  readonly #lastSequence = new Map<number, number>()

  constructor(part: StormPart<V>) {
    this.#part = part
  }

  run(): void {
    const { data, board, counts } = this.#part
    let reportAt = 0
    // Reading goes on until writers, who are slower, have made a storm of it; bounded all the same.
    const isCalm = () => board.writes(data.writers) < data.reads / 20 && counts.reads < data.reads * 50
    while ((counts.reads < data.reads || isCalm()) && !board.stopped) {
      this.#step()
      if (counts.reads < reportAt) continue
      board.report(data.thread, counts.reads)
      reportAt = counts.reads + 4096
    }
    board.report(data.thread, counts.reads)
    board.readerDone()
  }

  #step(): void {
    const { random, data, map } = this.#part
    const id = random.below(data.keys)
    const draw = random.below(10_000)
    if (draw < 9000) this.#saw(id, map.get(stormKey(id)))
    else if (draw < 9400) this.#batch()
    else if (draw < 9700) this.#saw(id, map.getEntry(stormKey(id))?.value)
    else if (draw < 9998) this.#asked(map.has(stormKey(id)))
    else this.#walk()
  }

  #batch(): void {
    const { random, data, map } = this.#part
    const ids = Array.from({ length: 1 + random.below(16) }, () => random.below(data.keys))
    const values = map.getMany(ids.map(stormKey))
    // Keys of one batch may be read in any order; only one reading of each counts for the sequence.
    for (const [at, id] of ids.entries()) if (ids.indexOf(id) === at) this.#saw(id, values[at])
  }

  #walk(): void {
    for (const [key, value] of this.#part.map) {
      this.#asked(true)
      this.#part.form.judge(stormId(key), value)
    }
  }

  #saw(id: number, value: V | undefined): void {
    this.#asked(value !== undefined)
    if (value === undefined) return
    const sequence = this.#part.form.judge(id, value)
    if (sequence < 0) return
    const last = this.#lastSequence.get(id) ?? 0
    if (sequence < last) throw new Error(`key ${id} went back from sequence ${last} to ${sequence}`)
    this.#lastSequence.set(id, sequence)
  }

  #asked(hit: boolean): void {
    this.#part.counts.reads++
    if (hit) this.#part.counts.hits++
  }
}

class StormWriter<V> {
  readonly #part: StormPart<V>
  #sequence = 0

  constructor(part: StormPart<V>) {
    this.#part = part
  }

  run(): void {
    const { data, board, counts } = this.#part
    while (!board.stopped) {
      try {
        this.#step()
      } catch (error) {
        if (!isOperationError(error, 'FULL')) throw error
        counts.fulls++
        for (let freed = 0; freed < 20; freed++) this.#part.map.delete(stormKey(this.#ownId()))
      }
      counts.writes++
      if (counts.writes % 16 === 0) board.report(data.thread, counts.writes)
    }
  }

  /** A key that only this writer writes. */
  #ownId(): number {
    const { random, data } = this.#part
    return random.below(Math.floor(data.keys / data.writers)) * data.writers + data.place
  }

  #make(id: number): V {
    return this.#part.form.make(id, ++this.#sequence, this.#part.random)
  }

  #step(): void {
    const { random, map, counts } = this.#part
    const id = this.#ownId()
    const key = stormKey(id)
    const draw = random.below(10_000)
    if (draw < 5000) map.set(key, this.#make(id))
    else if (draw < 6000) map.delete(key)
    else if (draw < 6800) map.replace(key, this.#make(id))
    else if (draw < 7600) this.#judge(id, map.exchange(key, this.#make(id)))
    else if (draw < 8100) this.#judge(id, map.take(key))
    else if (draw < 9000) map.insert(key, this.#make(id))
    else if (draw < 9400) map.set(key, this.#make(id), { ttlMs: 1 + random.below(5) })
    else if (draw < 9700) map.expire(key, 1 + random.below(10))
    else if (draw < 9990) {
      const ids = new Set(Array.from({ length: 4 }, () => this.#ownId()))
      map.setMany(Array.from(ids, (own) => [stormKey(own), this.#make(own)] as const))
    } else if (draw < 9999) this.#burst()
    else {
      map.clear()
      counts.clears++
    }
    if (random.oneIn(50)) this.#judge(id, map.get(key))
  }

  #judge(id: number, value: V | undefined): void {
    if (value !== undefined) this.#part.form.judge(id, value)
  }

  #burst(): void {
    const { data, map, board, counts } = this.#part
    const first = FIRST_BURST_ID * (data.place + 1)
    counts.bursts++
    try {
      for (let id = first; id < first + BURST_KEYS && !board.stopped; id++)
        map.set(stormKey(id), this.#make(id))
    } finally {
      for (let id = first; id < first + BURST_KEYS; id++) map.delete(stormKey(id))
    }
  }
}

function takePart<V>(data: StormWorkerData, map: SharedMap<string, V>, form: StormForm<V>): void {
  const board = new StormBoard(data.board)
  const counts: StormCounts = { reads: 0, hits: 0, writes: 0, fulls: 0, bursts: 0, clears: 0 }
  const part = { data, map, form, random: new SeededRandom(data.seed), board, counts }
  try {
    board.meet()
    if (data.role === 'reader') new StormReader(part).run()
    else new StormWriter(part).run()
    map.close()
    parentPort?.postMessage(counts)
  } catch (error) {
    board.stop()
    throw error
  }
}

const data = workerData as StormWorkerData
if (data.kind === 'text') takePart(data, SharedMap.attach<string, string>(data.table), STORM_TEXT)
else takePart(data, SharedMap.attach<string, Uint8Array>(data.table, { values: codecs.bytes }), STORM_BYTES)
