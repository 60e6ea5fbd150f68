/**
 * Messages of one turn of the event loop for another thread, as one piece of bytes:
 *
 *   message   channel length u32 | message length u32 | channel | message      (little-endian, one behind the other)
 */

/** A batch goes out before the end of the turn when it has become this large. */
const BATCH_BYTES = 256 * 1024
const HEAD_BYTES = 8

export class BusOutbox {
  readonly #post: (batch: Uint8Array<ArrayBuffer>) => void
  #pieces: Buffer[] = []
  #bytes = 0
  #isScheduled = false

  constructor(post: (batch: Uint8Array<ArrayBuffer>) => void) {
    this.#post = post
  }

  /** Both must stay as they are. */
  add(channel: Buffer, message: Buffer): void {
    const head = Buffer.allocUnsafe(HEAD_BYTES)
    head.writeUInt32LE(channel.length, 0)
    head.writeUInt32LE(message.length, 4)
    this.#pieces.push(head, channel, message)
    this.#bytes += HEAD_BYTES + channel.length + message.length
    if (this.#bytes >= BATCH_BYTES) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.flush()
      })
    }
  }

  flush(): void {
    if (this.#pieces.length === 0) return
    const batch = new Uint8Array(this.#bytes)
    let at = 0
    for (const piece of this.#pieces) {
      batch.set(piece, at)
      at += piece.length
    }
    this.#pieces = []
    this.#bytes = 0
    this.#post(batch)
  }
}

/** What a batch holds; windows of it. */
export function* messagesOf(batch: Uint8Array): Generator<{ channel: Buffer; message: Buffer }> {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length)
  for (let at = 0; at < bytes.length; ) {
    const channelEnd = at + HEAD_BYTES + bytes.readUInt32LE(at)
    const end = channelEnd + bytes.readUInt32LE(at + 4)
    yield { channel: bytes.subarray(at + HEAD_BYTES, channelEnd), message: bytes.subarray(channelEnd, end) }
    at = end
  }
}
