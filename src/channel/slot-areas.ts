/**
 * Which area of the transfer space each slot of a lane has: for a request that does not fit into its slot, and for the
 * reply to it. Known to the client alone; the server is told in the slot.
 */
import { AREA_ALIGN_BYTES } from './layout.js'
import { TransferSpace } from './transfer-space.js'

/** A message goes in parts of at most this share of the space, so that several can be on their way. */
const PARTS_OF_SPACE = 4
const NONE = -1

export class SlotAreas {
  /** Most bytes of one part. */
  readonly partBytes: number
  readonly #space: TransferSpace
  readonly #at: Int32Array
  readonly #bytes: Int32Array

  constructor(transferBytes: number, slots: number) {
    this.#space = new TransferSpace(transferBytes)
    this.partBytes = Math.floor(transferBytes / PARTS_OF_SPACE / AREA_ALIGN_BYTES) * AREA_ALIGN_BYTES
    this.#at = new Int32Array(slots).fill(NONE)
    this.#bytes = new Int32Array(slots)
  }

  /** Gives the slot an area for that many bytes, or for one part of them. False if there is no room now. */
  take(slot: number, bytes: number): boolean {
    const rounded = Math.ceil(Math.min(bytes, this.partBytes) / AREA_ALIGN_BYTES) * AREA_ALIGN_BYTES
    const at = this.#space.take(rounded)
    if (at < 0) return false
    this.#at[slot] = at
    this.#bytes[slot] = rounded
    return true
  }

  /** Sees to it that many bytes, or a part of them, fit; leaves the slot its area, or none, where there is no room now. */
  enlarge(slot: number, bytes: number): void {
    if (this.#bytes[slot]! >= Math.min(bytes, this.partBytes)) return
    const before = this.#at[slot]!
    if (this.take(slot, bytes) && before !== NONE) this.#space.giveBack(before)
  }

  giveBack(slot: number): void {
    if (this.#at[slot] === NONE) return
    this.#space.giveBack(this.#at[slot]!)
    this.#at[slot] = NONE
    this.#bytes[slot] = 0
  }

  /** In bytes; 0 where there is none. */
  at(slot: number): number {
    return Math.max(0, this.#at[slot]!)
  }

  /** 0: none. */
  bytes(slot: number): number {
    return this.#bytes[slot]!
  }

  /** Areas that are out. */
  get taken(): number {
    return this.#space.taken
  }
}
