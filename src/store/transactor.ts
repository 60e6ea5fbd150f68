/**
 * Several keys at one moment, for a store that changes the shared table directly: transactions, which run again when
 * somebody was faster, and reads and writes of many keys that need no evaluation.
 */
import { monotonicMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import { DEFAULT_LOCK_TIMEOUT_MS } from '../base/limits.js'
import { SeveralKeys } from '../table/several-keys.js'
import type { Table } from '../table/table.js'
import { NO_EXPIRY } from '../table/writer.js'
import { OverlayStore } from './overlay-store.js'
import type { Store, WatchedKey } from './store.js'
import { TransactionOverlay, type Walks } from './transaction-overlay.js'

export class Transactor {
  readonly #several: SeveralKeys
  readonly #overlay: TransactionOverlay
  readonly #store: Store

  constructor(table: Table, walks: Walks) {
    this.#several = new SeveralKeys(table)
    this.#overlay = new TransactionOverlay(table, this.#several, walks)
    this.#store = new OverlayStore(this.#overlay)
  }

  /** See Store.transact. */
  transact(body: (store: Store) => void, watched: readonly WatchedKey[]): boolean {
    const startedMs = monotonicMs()
    for (;;) {
      this.#several.begin()
      this.#overlay.begin()
      try {
        if (!this.#isUntouched(watched)) return false
        body(this.#store)
        if (this.#several.commit()) return true
      } finally {
        this.#several.end()
      }
      if (monotonicMs() - startedMs > DEFAULT_LOCK_TIMEOUT_MS) {
        throw new OperationError(
          'TIMEOUT',
          `others changed the keys of a transaction faster than it could run for ${DEFAULT_LOCK_TIMEOUT_MS} ms. ` +
            'Nothing was changed.',
          { outcome: 'not-applied' },
        )
      }
    }
  }

  readMany(
    keys: readonly Uint8Array[],
    start: () => void,
    each: (value: Uint8Array | undefined) => void,
  ): void {
    try {
      this.#several.readMany(keys, start, each)
    } finally {
      this.#several.end()
    }
  }

  /** Blind writes: they commit at the first try. */
  setMany(keys: readonly Uint8Array[], values: readonly Uint8Array[]): void {
    const several = this.#several
    several.begin()
    try {
      for (const [at, key] of keys.entries()) {
        const value = values[at]
        if (value !== undefined) several.put(several.touch(key), value, NO_EXPIRY)
      }
      several.commit()
    } finally {
      several.end()
    }
  }

  #isUntouched(watched: readonly WatchedKey[]): boolean {
    return watched.every(({ key, version }) => this.#several.expect(this.#several.touch(key), version | 0))
  }
}
