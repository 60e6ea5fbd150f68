/**
 * The line protocol over a `Store`, answering at once: the one file of this front that meets storage. What a store does
 * not know (how to flush, what the node counts) is handed in.
 */
import { OperationError } from '../base/errors.js'
import type { Store } from '../store/store.js'
import type { Answer, TextFact, TextService } from './service.js'

export interface StoreServiceOptions {
  /** Brings everything acknowledged so far to disk. Default: there is no disk, and FLUSH says so. */
  readonly flush?: () => Answer<void>
  /** What STATS says beside the numbers of the store. */
  readonly facts?: () => readonly TextFact[]
}

export class StoreService implements TextService {
  readonly #store: Store
  readonly #options: StoreServiceOptions

  constructor(store: Store, options: StoreServiceOptions = {}) {
    this.#store = store
    this.#options = options
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#store.set(key, value, 'none', 'always')
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#store.view(key)
  }

  delete(key: Uint8Array): boolean {
    return this.#store.delete(key)
  }

  exists(key: Uint8Array): boolean {
    return this.#store.has(key)
  }

  size(): number {
    return this.#store.size
  }

  flush(): Answer<void> {
    const { flush } = this.#options
    if (flush === undefined)
      throw new OperationError(
        'REFUSED',
        'there is nothing to flush to: durability is off and no data is kept',
      )
    return flush()
  }

  stats(): readonly TextFact[] {
    const stats = this.#store.stats()
    return [
      ['keys', stats.entries],
      ['used_bytes', stats.usedBytes],
      ['capacity_bytes', stats.capacityBytes],
      ['hits', stats.hits],
      ['misses', stats.misses],
      ['evictions', stats.evictions],
      ['expirations', stats.expirations],
      ...(this.#options.facts?.() ?? []),
    ]
  }
}
