/**
 * Replies in the order of their requests, whenever each becomes known. What stands before the first unknown one may go
 * out; the rest waits. One connection, one thread.
 */
interface Slot {
  bytes: Buffer | undefined
}

export class ReplyQueue {
  #ready: Buffer[] = []
  #readyBytes = 0
  /** Replies behind the first one that is not known, that one included; the oldest is at `#oldest`. */
  #slots: Slot[] = []
  #heldBytes = 0
  #oldest = 0

  /** Bytes that may go out. */
  get readyBytes(): number {
    return this.#readyBytes
  }

  /** Replies that are not known yet, and those behind them. */
  get waiting(): number {
    return this.#slots.length - this.#oldest
  }

  /** Bytes that are known, but stand behind one that is not. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The next reply, which is known. */
  add(bytes: Buffer): void {
    if (this.waiting === 0) {
      this.#release(bytes)
      return
    }
    this.#slots.push({ bytes })
    this.#heldBytes += bytes.length
  }

  /** The next reply, which is not known yet: call what comes back with its bytes, once. */
  reserve(): (bytes: Buffer) => void {
    const slot: Slot = { bytes: undefined }
    this.#slots.push(slot)
    return (bytes) => {
      slot.bytes = bytes
      this.#heldBytes += bytes.length
      this.#advance()
    }
  }

  /** Takes all that may go out. */
  take(): Buffer {
    const bytes = this.#ready.length === 1 ? (this.#ready[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#ready)
    this.#ready = []
    this.#readyBytes = 0
    return bytes
  }

  #advance(): void {
    for (let slot = this.#slots[this.#oldest]; slot?.bytes !== undefined; slot = this.#slots[this.#oldest]) {
      this.#heldBytes -= slot.bytes.length
      this.#release(slot.bytes)
      this.#oldest++
    }
    if (this.#oldest < this.#slots.length) return
    this.#slots = []
    this.#oldest = 0
  }

  #release(bytes: Buffer): void {
    this.#ready.push(bytes)
    this.#readyBytes += bytes.length
  }
}
