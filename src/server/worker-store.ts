/**
 * The one place that says which table a node serves: how the main thread makes it, and how a worker opens it.
 */
import { DirectStore, type DirectStoreHandle } from '../store/direct-store.js'
import type { Store } from '../store/store.js'

export interface NodeTable {
  readonly store: Store
  /** What a worker needs to open the same table; `undefined` when it lives on one thread only. */
  readonly handle: DirectStoreHandle | undefined
  close(): void
}

export interface OpenedStore extends Store {
  close(): void
}

export function createTable(capacityBytes: number, eviction: 'none' | 'clock'): NodeTable {
  const store = DirectStore.create({ capacityBytes, eviction })
  return { store, handle: store.share(), close: () => store.close() }
}

/** For a worker: the table behind `handle`; `hasWriter`: it is only read here, by the time that its writer tells. */
export function openStore(handle: DirectStoreHandle, hasWriter = false): DirectStore {
  return DirectStore.attach(handle, { isSequenced: hasWriter, asksWriter: hasWriter })
}
