/**
 * What the line protocol asks of a node: seven operations, each answered at once or later. A node without durability
 * answers at once, from its table; a durable one when the write is on disk.
 *
 * Whoever implements it (for one connection, or for all) keeps the order of one connection's operations: one that is asked for after another sees what
 * that one did, answered or not. Bytes handed in are copied before a call returns.
 *
 * Failures are thrown or rejected: `OperationError`, `RangeError`, `TypeError` become ERROR lines, anything else is a bug.
 */
export type Answer<T> = T | Promise<T>

export type TextFact = readonly [name: string, value: string | number]

export interface TextService {
  put(key: Uint8Array, value: Uint8Array): Answer<void>
  /** Answered at once, the bytes may be memory that the next call uses again; answered later, they are the caller's. */
  get(key: Uint8Array): Answer<Uint8Array | undefined>
  /** Whether the key was there. */
  delete(key: Uint8Array): Answer<boolean>
  exists(key: Uint8Array): Answer<boolean>
  size(): Answer<number>
  /** Returns when everything acknowledged so far is on disk, at whatever level of durability. */
  flush(): Answer<void>
  stats(): Answer<readonly TextFact[]>
}
