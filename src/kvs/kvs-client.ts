/**
 * The client of original 002 by its names: blocking calls with a time limit each, and tasks that are begun and read later.
 *
 * "No" is an answer (`undefined`, `false`); what could not be done, or may not have been, is thrown as an OperationError, so
 * a missing key, a full table, a time limit and a server that has gone are told apart. Keys and values have any type that
 * a codec can carry: `codecs.int32` stands for the original's `<int, int>`.
 *
 * One client a thread. Its calls take effect in their order, blocking ones and tasks together.
 */
import { Client } from '../client/client.js'
import type { Codec } from '../codec/codec.js'
import { KVS_OPERATION, type TaskResult } from './outcome.js'
import { Tasks } from './tasks.js'

/** Limit of a call, in milliseconds, unless it says another. */
export const DEFAULT_TIMEOUT_MS = 5000
/** Tasks in flight. */
export const IN_FLIGHT = 1024

export interface KVSClientOptions<K, V> {
  /** Default: strings. */
  readonly keys?: Codec<K>
  readonly values?: Codec<V>
  /** Limit of connecting. Default 5000. */
  readonly timeout_ms?: number
}

export class KVSClient<K = string, V = string> {
  readonly #client: Client<K, V>
  readonly #tasks: Tasks<V>

  private constructor(client: Client<K, V>) {
    this.#client = client
    this.#tasks = new Tasks<V>({
      poll: (request) => client.poll(request),
      wait: (request, timeoutMs) => ({ value: client.sync.result(request, { timeoutMs }) }),
      result: (request, timeoutMs) => client.result(request, { timeoutMs }),
    })
  }

  /** To the server of that name. Rejects with OperationError NO_SERVER where there is none. */
  static async connect<K = string, V = string>(
    name: string,
    options: KVSClientOptions<K, V> = {},
  ): Promise<KVSClient<K, V>> {
    const { timeout_ms = DEFAULT_TIMEOUT_MS, ...types } = options
    const client = await Client.connect<K, V>(name, { ...types, window: IN_FLIGHT, timeoutMs: timeout_ms })
    return new KVSClient(client)
  }

  /** The value, or undefined if there is no such key. */
  get(key: K, timeout_ms = DEFAULT_TIMEOUT_MS): V | undefined {
    return this.#client.sync.get(key, { timeoutMs: timeout_ms })
  }

  /** Inserts or updates; true. */
  set(key: K, value: V, timeout_ms = DEFAULT_TIMEOUT_MS): true {
    this.#client.sync.set(key, value, { timeoutMs: timeout_ms })
    return true
  }

  /** Inserts; false if the key exists. */
  post(key: K, value: V, timeout_ms = DEFAULT_TIMEOUT_MS): boolean {
    return this.#client.sync.insert(key, value, { timeoutMs: timeout_ms })
  }

  /** Deletes; false if there is no such key. */
  del(key: K, timeout_ms = DEFAULT_TIMEOUT_MS): boolean {
    return this.#client.sync.delete(key, { timeoutMs: timeout_ms })
  }

  /**
   * Each of these begins a task and returns its id at once; only where 1024 are in flight it waits for a place, up to
   * `timeout_ms`, then throws OperationError BACK_PRESSURE. What becomes of the task is read by {@link poll},
   * {@link wait} or {@link result}, or by nobody.
   */
  get_async(key: K, timeout_ms = DEFAULT_TIMEOUT_MS): number {
    return this.#tasks.begin(KVS_OPERATION.GET, () => this.#client.submit('get', key), timeout_ms)
  }

  set_async(key: K, value: V, timeout_ms = DEFAULT_TIMEOUT_MS): number {
    return this.#tasks.begin(KVS_OPERATION.SET, () => this.#client.submit('set', key, value), timeout_ms)
  }

  post_async(key: K, value: V, timeout_ms = DEFAULT_TIMEOUT_MS): number {
    return this.#tasks.begin(KVS_OPERATION.POST, () => this.#client.submit('insert', key, value), timeout_ms)
  }

  del_async(key: K, timeout_ms = DEFAULT_TIMEOUT_MS): number {
    return this.#tasks.begin(KVS_OPERATION.DELETE, () => this.#client.submit('delete', key), timeout_ms)
  }

  /** The result of a task, or its status PENDING. A result is read once: RangeError afterwards. */
  poll(task_id: number): TaskResult<V> {
    return this.#tasks.poll(task_id)
  }

  /** The result of a task; blocks. Throws OperationError TIMEOUT, after which the task may be asked for again. */
  wait(task_id: number, timeout_ms = DEFAULT_TIMEOUT_MS): TaskResult<V> {
    return this.#tasks.wait(task_id, timeout_ms)
  }

  /** The result of a task, without blocking. Rejects with OperationError TIMEOUT, after which nobody can read it. */
  result(task_id: number, timeout_ms = DEFAULT_TIMEOUT_MS): Promise<TaskResult<V>> {
    return this.#tasks.result(task_id, timeout_ms)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
