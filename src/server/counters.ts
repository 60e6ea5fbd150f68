/**
 * What the socket workers of a node count, in memory that all of them see: each adds to its own row and nobody
 * else writes there, so plain stores do; whoever asks sums the rows. The few words that all of them change
 * (next connection's id, arrivals at the closing barrier) are atomic, and so is the port, which is stored once.
 */
export interface CountersHandle {
  readonly rows: SharedArrayBuffer
  readonly words: SharedArrayBuffer
}

const CONNECTED = 0
const RECEIVED = 1
const PROCESSED = 2
const TEXT_CONNECTED = 3
/** A cache line of float64 for each worker, so that counting does not slow the neighbours. */
const ROW_FIELDS = 8

const NEXT_ID = 0
const ARRIVED = 1
const PORT = 2
const WORDS = 3

export class NodeCounters {
  readonly #rows: Float64Array
  readonly #words: Int32Array
  readonly #row: number

  /** `worker` says whose row this thread adds to. */
  constructor(handle: CountersHandle, worker: number) {
    this.#rows = new Float64Array(handle.rows)
    this.#words = new Int32Array(handle.words)
    this.#row = worker * ROW_FIELDS
  }

  static create(workers: number): CountersHandle {
    return {
      rows: new SharedArrayBuffer(workers * ROW_FIELDS * Float64Array.BYTES_PER_ELEMENT),
      words: new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT),
    }
  }

  get connected(): number {
    return this.#sum(CONNECTED)
  }

  /** Of the connected ones, those that speak the line protocol. */
  get textConnected(): number {
    return this.#sum(TEXT_CONNECTED)
  }

  get received(): number {
    return this.#sum(RECEIVED)
  }

  get processed(): number {
    return this.#sum(PROCESSED)
  }

  connectionOpened(): void {
    this.#add(CONNECTED, 1)
    this.#add(RECEIVED, 1)
  }

  connectionClosed(): void {
    this.#add(CONNECTED, -1)
  }

  textConnectionOpened(): void {
    this.connectionOpened()
    this.#add(TEXT_CONNECTED, 1)
  }

  textConnectionClosed(): void {
    this.connectionClosed()
    this.#add(TEXT_CONNECTED, -1)
  }

  commandsRan(count: number): void {
    this.#add(PROCESSED, count)
  }

  /** Where the node listens for the Redis protocol; 0 before it does. */
  get port(): number {
    return Atomics.load(this.#words, PORT)
  }

  notePort(port: number): void {
    Atomics.store(this.#words, PORT, port)
  }

  /** Ids start at 1 and are never given twice. */
  nextConnectionId(): number {
    return Atomics.add(this.#words, NEXT_ID, 1) + 1
  }

  /** Returns when `count` threads are here, or after `timeoutMs`. Blocks: for the moment of closing only. */
  meet(count: number, timeoutMs: number): void {
    let arrived = Atomics.add(this.#words, ARRIVED, 1) + 1
    Atomics.notify(this.#words, ARRIVED)
    const deadline = performance.now() + timeoutMs
    while (arrived < count && performance.now() < deadline) {
      Atomics.wait(this.#words, ARRIVED, arrived, 10)
      arrived = Atomics.load(this.#words, ARRIVED)
    }
  }

  #add(field: number, by: number): void {
    this.#rows[this.#row + field] = (this.#rows[this.#row + field] ?? 0) + by
  }

  #sum(field: number): number {
    let sum = 0
    for (let at = field; at < this.#rows.length; at += ROW_FIELDS) sum += this.#rows[at] ?? 0
    return sum
  }
}
