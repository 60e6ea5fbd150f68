/**
 * Tasks that were begun and not yet read, by the ids that `*_async` gave: the response table of original 002.
 *
 * A window of requests is in flight; a task that finds it full waits for a place, collecting what is done on the way, so a
 * program that never reads a result never stands still. Results are kept until they are read, the latest MAX_UNREAD of
 * them. A result is read once.
 *
 * For one thread, as the window below it.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { failureOf, KVS_STATUS, type KvsOperation, resultOf, type TaskResult } from './outcome.js'

/** Requests in flight, by ids of their own. `poll`, `wait` and `result` throw what a request failed with. */
export interface TaskWindow {
  /** The answer, if it is there. */
  poll(request: number): { readonly value: unknown } | undefined
  /** The same, blocking. Throws OperationError TIMEOUT; the request is still in flight then. */
  wait(request: number, timeoutMs: number): { readonly value: unknown }
  /** The answer, collected by the event loop. */
  result(request: number, timeoutMs: number): Promise<unknown>
}

/** Results that nobody has read. */
export const MAX_UNREAD = 65_536

interface Task<V> {
  readonly operation: KvsOperation
  readonly request: number
  /** Somebody awaits it: the event loop collects it, and nobody else can. */
  awaited: Promise<TaskResult<V>> | undefined
}

export class Tasks<V> {
  readonly #window: TaskWindow
  /** In flight, oldest first. */
  readonly #open = new Map<number, Task<V>>()
  /** Done and unread, oldest first. */
  readonly #done = new Map<number, TaskResult<V>>()
  #lastId = 0

  constructor(window: TaskWindow) {
    this.#window = window
  }

  /**
   * Begins a task: `submit` hands a request in, and throws OperationError BACK_PRESSURE where the window is full. Then the
   * task waits for a place; after `timeoutMs` that error is thrown. Returns the task's id.
   */
  begin(operation: KvsOperation, submit: () => number, timeoutMs: number): number {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      try {
        const request = submit()
        this.#open.set(++this.#lastId, { operation, request, awaited: undefined })
        return this.#lastId
      } catch (error) {
        if (!isOperationError(error, 'BACK_PRESSURE')) throw error
        if (!this.#makeRoom(deadlineMs)) throw error
      }
    }
  }

  /** The result, or PENDING. Throws RangeError for a task that is none, or whose result was read. */
  poll(id: number): TaskResult<V> {
    const task = this.#open.get(id)
    if (task === undefined) return this.#read(id)
    if (!this.#collect(id, task)) return { operation: task.operation, status: KVS_STATUS.PENDING }
    return this.#read(id)
  }

  /** The result; blocks. Throws OperationError TIMEOUT: the task goes on, and can be asked for again. */
  wait(id: number, timeoutMs: number): TaskResult<V> {
    const task = this.#open.get(id)
    if (task === undefined) return this.#read(id)
    if (task.awaited !== undefined)
      throw new OperationError('REFUSED', `task ${id} is awaited already: blocking for it would never end`)
    this.#finish(id, task, () => this.#window.wait(task.request, timeoutMs))
    return this.#read(id)
  }

  /** A promise of the result; it fails with OperationError TIMEOUT only, and then the result is lost. */
  async result(id: number, timeoutMs: number): Promise<TaskResult<V>> {
    const task = this.#open.get(id)
    if (task === undefined) return this.#read(id)
    task.awaited ??= this.#await(id, task, timeoutMs)
    return task.awaited
  }

  async #await(id: number, { operation, request }: Task<V>, timeoutMs: number): Promise<TaskResult<V>> {
    try {
      return resultOf(operation, await this.#window.result(request, timeoutMs))
    } catch (error) {
      if (isOperationError(error, 'TIMEOUT')) throw error
      return failureOf(operation, error)
    } finally {
      this.#open.delete(id)
    }
  }

  /** Collects what is done, or waits for the oldest; false if there is nothing to wait for, or it takes too long. */
  #makeRoom(deadlineMs: number): boolean {
    let collected = 0
    for (const [id, task] of this.#open) {
      if (!this.#collect(id, task)) break
      collected++
    }
    if (collected > 0) return true
    const oldest = this.#open.entries().next().value
    const leftMs = deadlineMs - performance.now()
    if (oldest === undefined || oldest[1].awaited !== undefined || leftMs <= 0) return false
    const [id, task] = oldest
    try {
      this.#finish(id, task, () => this.#window.wait(task.request, leftMs))
      return true
    } catch (error) {
      if (isOperationError(error, 'TIMEOUT')) return false
      throw error
    }
  }

  #collect(id: number, task: Task<V>): boolean {
    if (task.awaited !== undefined) return false
    return this.#finish(id, task, () => this.#window.poll(task.request), false)
  }

  /**
   * Keeps what `take` answers or throws, if anything. Of a `take` that waits, a TIMEOUT says nothing of the task, so it goes on;
   * else it is the server's answer.
   */
  #finish(
    id: number,
    { operation }: Task<V>,
    take: () => { readonly value: unknown } | undefined,
    waits = true,
  ): boolean {
    let result: TaskResult<V>
    try {
      const answer = take()
      if (answer === undefined) return false
      result = resultOf(operation, answer.value)
    } catch (error) {
      if (waits && isOperationError(error, 'TIMEOUT')) throw error
      result = failureOf(operation, error)
    }
    this.#open.delete(id)
    this.#done.set(id, result)
    if (this.#done.size > MAX_UNREAD) {
      const [oldest = 0] = this.#done.keys()
      this.#done.delete(oldest)
    }
    return true
  }

  #read(id: number): TaskResult<V> {
    const result = this.#done.get(id)
    if (result === undefined) {
      const why =
        id > this.#lastId ? 'was never begun' : `was read, or is older than ${MAX_UNREAD} unread results`
      throw new RangeError(`task ${id} ${why}`)
    }
    this.#done.delete(id)
    return result
  }
}
