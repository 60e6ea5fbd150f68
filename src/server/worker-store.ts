/**
 * The one place that says which table a node serves: how the main thread makes it and how a worker opens it.
 */
import { MapStore } from '../store/map-store.js'
import type { Store } from '../store/store.js'

export interface NodeTable {
  readonly store: Store
  /** What a worker needs to open the same table; `undefined` when it lives on one thread only. */
  readonly handle: unknown
  close(): void
}

export function createTable(capacityBytes: number, _eviction: 'none' | 'clock'): NodeTable {
  return { store: new MapStore({ capacityBytes }), handle: undefined, close: () => {} }
}

/** For a worker: the table behind `handle`. */
export function openStore(_handle: unknown): Store & { close(): void } {
  throw new TypeError('this table lives on one thread')
}
