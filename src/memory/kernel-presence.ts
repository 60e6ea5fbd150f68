/**
 * Who lives, by kernel locks: each participant of a named region locks one byte of the region's file, the one with the
 * number of its record, through a descriptor of its own.
 *
 * The locks are of the kind that belongs to an open file (F_OFD_SETLK), not to a process: the system drops them when
 * the descriptor goes, at the death of a process or at the end of a worker thread, whose descriptors Node closes. So
 * neither a zombie nor a process id that is used again nor another PID namespace can mislead. Asking (F_OFD_GETLK)
 * takes nothing, so that two who ask do not take each other for the owner, as they would with flock.
 *
 * The descriptor is never mapped and never handed on: a mapping of it, or a copy in a child, would outlive its owner.
 * A stopped process keeps its locks, as it should: it is alive.
 */
import { closeSync } from 'node:fs'
import type { Native } from './native.js'
import type { Presence } from './region.js'

export class KernelPresence implements Presence {
  readonly #native: Native
  #descriptor: number
  /** Own records: a descriptor does not see its own locks. */
  readonly #claimed = new Set<number>()

  /** Takes over `descriptor`, which must be of an opening of its own. */
  constructor(native: Native, descriptor: number) {
    this.#native = native
    this.#descriptor = descriptor
  }

  /** -1 once closed. */
  get descriptor(): number {
    return this.#descriptor
  }

  claim(index: number): boolean {
    if (!this.#native.lockByte(this.#descriptor, index)) return false
    this.#claimed.add(index)
    return true
  }

  release(index: number): void {
    this.#native.unlockByte(this.#descriptor, index)
    this.#claimed.delete(index)
  }

  isPresent(index: number): boolean {
    // Once closed there is nothing to ask by: in doubt, it lives.
    if (this.#descriptor < 0) return true
    return this.#claimed.has(index) || this.#native.isByteLocked(this.#descriptor, index)
  }

  close(): void {
    if (this.#descriptor < 0) return
    closeSync(this.#descriptor)
    this.#descriptor = -1
  }
}
