/**
 * One worker of a termination run: works on its own keys in every way the map has, and now and then on many keys at
 * once, until it is told to stop or is terminated, wherever it may be. Being the only writer of its keys, it checks
 * every answer. It begins where the one before it was cut off.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import type { SharedMapHandle } from '../map/entry.js'
import { SharedMap } from '../map/shared-map.js'
import { SeededRandom } from './seeded-random.js'
import { TerminateBoard } from './terminate-board.js'

export interface TerminateWorkerData extends TerminateTask {
  readonly table: SharedMapHandle
  readonly board: SharedArrayBuffer
  readonly lockTimeoutMs: number
}

/** What a worker does, wherever it runs. */
export interface TerminateTask {
  readonly place: number
  readonly places: number
  readonly keys: number
  readonly seed: number
}

const PADS = ['', 'x'.repeat(30), 'é'.repeat(100), 'y'.repeat(900), 'z'.repeat(20_000), 'ü'.repeat(20_000)]
const BURST_KEYS = 400

export function terminateKey(place: number, key: number): string {
  return `worker ${place}, key ${key}`
}

export function terminateText(key: string, value: number): string {
  // The large ones are rare, since decoding them takes most of the time.
  const pad = value % 64 < 62 ? value % 4 : 4 + (value % 2)
  return `${key}: ${value}|${PADS[pad]}`
}

/** The value of a stored text, 0 for none; throws if it is not whole or belongs to another key. */
export function terminateValue(key: string, text: string | undefined): number {
  if (text === undefined) return 0
  const value = Number(text.slice(key.length + 2, text.indexOf('|')))
  if (terminateText(key, value) !== text)
    throw new Error(`torn or foreign value of ${key}: ${text.slice(0, 80)}`)
  return value
}

export class TerminateWorker {
  readonly #map: SharedMap
  readonly #board: TerminateBoard
  readonly #data: TerminateTask
  readonly #random: SeededRandom

  constructor(map: SharedMap, board: SharedArrayBuffer | ArrayBuffer, data: TerminateTask) {
    this.#data = data
    this.#map = map
    this.#board = new TerminateBoard(board, data.keys, data.place)
    this.#random = new SeededRandom(data.seed)
  }

  /** Takes the keys over, as they were left. */
  takeOver(): void {
    for (let key = 0; key < this.#data.keys; key++) {
      this.#expect(key, this.#look(key))
      this.#board.settle(key, this.#look(key))
    }
    this.#endBurst()
  }

  /** Until the board says stop, or `goesOn` says no. */
  run(goesOn = () => true): void {
    while (!this.#board.stopped && goesOn()) {
      this.#step()
      if (this.#board.calm) this.#board.nap()
    }
    this.#map.close()
  }

  #look(key: number): number {
    const name = terminateKey(this.#data.place, key)
    return terminateValue(name, this.#map.get(name))
  }

  #expect(key: number, found: number): void {
    if (this.#board.allows(key, found)) return
    const name = terminateKey(this.#data.place, key)
    throw new Error(`${name} holds ${found}; ${this.#board.describe(key)}`)
  }

  #step(): void {
    const key = this.#random.below(this.#data.keys)
    const draw = this.#random.below(1000)
    if (draw < 250) this.#expect(key, this.#look(key))
    else if (draw < 400) this.#readOther()
    else if (draw < 900) this.#write(key, draw)
    else if (draw < 960) this.#expire(key)
    else if (draw < 990) this.#walk()
    else this.#burst()
  }

  #write(key: number, draw: number): void {
    const name = terminateKey(this.#data.place, key)
    const deletes = draw < 550
    const value = deletes ? 0 : this.#board.nextValue()
    const text = terminateText(name, value)
    // compute keeps the ttl, all others clear it.
    const computes = draw >= 800 && draw < 850
    this.#board.begin(key, value)
    try {
      if (draw < 500) this.#map.delete(name)
      else if (deletes) this.#map.take(name)
      else if (draw < 800) this.#map.set(name, text)
      else if (computes) this.#map.compute(name, () => text)
      else this.#map.exchange(name, text)
      if (computes) this.#board.settle(key, value)
      else this.#board.end(key, value)
    } catch (error) {
      if (!isOperationError(error, 'FULL')) throw error
      this.#board.cancel(key)
    }
  }

  #expire(key: number): void {
    const name = terminateKey(this.#data.place, key)
    const value = this.#board.acknowledged(key)
    const ttlMs = 1 + this.#random.below(5)
    this.#board.begin(key, value, true)
    try {
      this.#map.expire(name, ttlMs)
      this.#board.end(key, value, true)
    } catch (error) {
      if (!isOperationError(error, 'FULL')) throw error
      this.#board.cancel(key)
    }
  }

  #readOther(): void {
    const place = this.#random.below(this.#data.places)
    const name = terminateKey(place, this.#random.below(this.#data.keys))
    terminateValue(name, this.#map.get(name))
  }

  #walk(): void {
    const seen = new Set<string>()
    for (const [name, text] of this.#map) {
      if (seen.has(name)) throw new Error(`a walk met ${name} twice`)
      seen.add(name)
      terminateValue(name, text)
    }
  }

  /** Many small entries, so that stripes grow and pages change hands. */
  #burst(): void {
    try {
      for (let key = 0; key < BURST_KEYS; key++) {
        const name = this.#burstKey(key)
        this.#map.set(name, terminateText(name, key % 3))
      }
    } catch (error) {
      if (!isOperationError(error, 'FULL')) throw error
    }
    this.#endBurst()
  }

  #endBurst(): void {
    for (let key = 0; key < BURST_KEYS; key++) this.#map.delete(this.#burstKey(key))
  }

  #burstKey(key: number): string {
    return `burst of ${this.#data.place}, ${key}`
  }
}

if (workerData !== null) {
  const data = workerData as TerminateWorkerData
  const map = SharedMap.attach(data.table, { lockTimeoutMs: data.lockTimeoutMs })
  const worker = new TerminateWorker(map, data.board, data)
  worker.takeOver()
  parentPort?.postMessage('ready')
  worker.run()
}
