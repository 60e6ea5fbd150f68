/**
 * Chores that a test gives to threads of its own or of workers over one table: fill it until it says FULL, empty it,
 * raise a counter. A chore thread does what it is told, one chore at a time, until it is told to leave.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import type { SharedMap, SharedMapHandle } from '../index.js'

export type Chore =
  | { readonly chore: 'fill'; readonly valueBytes: number }
  | { readonly chore: 'empty' }
  | { readonly chore: 'increment'; readonly key: string; readonly times: number }
  | { readonly chore: 'leave' }

export type BytesMap = SharedMap<string, Uint8Array>

/** Inserts entries of one size until the table is full; returns how many went in. */
export function fill(map: BytesMap, valueBytes: number): number {
  const value = new Uint8Array(valueBytes).fill(valueBytes & 0xff)
  for (let count = 0; ; count++) {
    try {
      map.set(`f${count}`, value)
    } catch (error) {
      if (isOperationError(error, 'FULL')) return count
      throw error
    }
  }
}

/** Deletes every entry, one by one; returns how many there were. */
export function empty(map: BytesMap): number {
  let deleted = 0
  for (const key of map.keys()) if (map.delete(key)) deleted++
  return deleted
}

/** Another thread on the table behind `handle`. */
export class ChoreThread {
  readonly #worker: Worker

  constructor(table: SharedMapHandle, values: 'bytes' | 'float64') {
    this.#worker = new Worker(new URL('./chore-worker.js', import.meta.url), {
      workerData: { table, values },
    })
  }

  /** Does `chore` there and returns what it answers: a count. */
  async run(chore: Chore): Promise<number> {
    this.#worker.postMessage(chore)
    const [answer] = (await once(this.#worker, 'message')) as [number]
    return answer
  }

  /** Lets the thread close its map and end. */
  async leave(): Promise<void> {
    const exited = once(this.#worker, 'exit')
    this.#worker.postMessage({ chore: 'leave' } satisfies Chore)
    await exited
  }

  /** Ends the thread without a chance to close anything. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }
}
