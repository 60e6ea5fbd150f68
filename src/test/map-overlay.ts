/** An overlay of nothing over a plain `Map`: the model of an evaluation, for tests. Its clock is set from outside. */
import type { Overlay } from '../store/overlay-store.js'
import type { ScanPage, StoreStats } from '../store/store.js'

export interface ModelEntry {
  readonly value: string
  readonly expiresAtMs: number
}

export class MapOverlay implements Overlay {
  entries = new Map<string, ModelEntry>()
  timeMs = 0
  #name = ''
  #found: ModelEntry | undefined

  get size(): number {
    return this.entries.size
  }

  nowMs(): number {
    return this.timeMs
  }

  seek(key: Uint8Array): boolean {
    this.#name = Buffer.from(key).toString('latin1')
    const found = this.entries.get(this.#name)
    if (found !== undefined && found.expiresAtMs <= this.timeMs) this.entries.delete(this.#name)
    this.#found = this.entries.get(this.#name)
    return this.#found !== undefined
  }

  note(): void {}

  get value(): Uint8Array {
    return Buffer.from(this.#found?.value ?? '', 'latin1')
  }

  get expiresAtMs(): number {
    return this.#found?.expiresAtMs ?? Infinity
  }

  get version(): number {
    return 1
  }

  put(value: Uint8Array, expiresAtMs: number): void {
    this.entries.set(this.#name, { value: Buffer.from(value).toString('latin1'), expiresAtMs })
  }

  remove(): void {
    this.entries.delete(this.#name)
  }

  scan(): ScanPage {
    const live = [...this.entries].filter(([, entry]) => entry.expiresAtMs > this.timeMs)
    return { cursor: 0, keys: live.map(([name]) => Buffer.from(name, 'latin1')) }
  }

  randomKey(): Buffer | undefined {
    return this.scan().keys[0]
  }

  clear(): void {
    this.entries.clear()
  }

  savepoint(): () => void {
    const before = new Map(this.entries)
    return () => {
      this.entries = before
    }
  }

  stats(): StoreStats {
    const none = { capacityBytes: 0, usedBytes: 0, hits: 0, misses: 0, evictions: 0, expirations: 0 }
    return { ...none, entries: this.size }
  }
}
