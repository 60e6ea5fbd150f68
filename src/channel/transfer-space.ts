/**
 * Room for what does not fit into a slot, given out by the client that owns the lane, to itself.
 *
 * A ring: areas are cut off at its head, and come back at its tail once all before them are back too. Requests end
 * mostly in their own order, so little waits for others. Nothing of this is shared: the server is told of each area in the
 * slot, and believes only that it lies within the space.
 */
import { AREA_ALIGN_BYTES } from './layout.js'

interface Area {
  /** Where the ring's head stood before, and stands after: bytes since the beginning, growing for ever. */
  readonly from: number
  readonly to: number
  isBack: boolean
}

export class TransferSpace {
  readonly bytes: number
  #head = 0
  #tail = 0
  readonly #areas = new Map<number, Area>()
  readonly #order: Area[] = []

  constructor(bytes: number) {
    this.bytes = bytes
  }

  /** Where an area of that many bytes begins, in one piece; -1 if there is no room now. */
  take(bytes: number): number {
    const rounded = Math.max(AREA_ALIGN_BYTES, Math.ceil(bytes / AREA_ALIGN_BYTES) * AREA_ALIGN_BYTES)
    const from = this.#head
    let start = from
    const place = start % this.bytes
    if (place + rounded > this.bytes) start += this.bytes - place
    const to = start + rounded
    if (to - this.#tail > this.bytes) return -1
    const area = { from, to, isBack: false }
    this.#head = to
    this.#order.push(area)
    this.#areas.set(start % this.bytes, area)
    return start % this.bytes
  }

  giveBack(at: number): void {
    const area = this.#areas.get(at)
    if (area === undefined) return
    this.#areas.delete(at)
    area.isBack = true
    let done = 0
    while (this.#order[done]?.isBack === true) this.#tail = this.#order[done++]!.to
    if (done > 0) this.#order.splice(0, done)
    // Nothing is out: begin at the front again, where the memory is warm.
    if (this.#order.length === 0) this.#head = this.#tail = 0
  }

  /** Areas that are out. */
  get taken(): number {
    return this.#areas.size
  }
}
