/** A ReplyWriter that keeps replies as plain values: commands are tested without any protocol. */
import type { ReplyLevel, ReplyWriter } from '../commands/reply.js'

export type Recorded =
  | { error: string }
  | { simple: string }
  | { map: number }
  | { array: number }
  | RecordedScalar
type RecordedScalar = number | bigint | string | boolean | null

export class RecordedReply implements ReplyWriter {
  #replies: Recorded[] = []
  readonly #marked: [number, number] = [0, 0]

  /** What has been written since the last call; bytes as text of one byte a character. */
  take(): Recorded[] {
    const replies = this.#replies
    this.#replies = []
    return replies
  }

  simple(text: string): void {
    this.#replies.push({ simple: text })
  }
  error(line: string): void {
    this.#replies.push({ error: line })
  }
  integer(value: number | bigint): void {
    this.#replies.push(value)
  }
  bulk(value: Uint8Array | string | undefined): void {
    this.#replies.push(
      value === undefined ? null : typeof value === 'string' ? value : Buffer.from(value).toString('latin1'),
    )
  }
  copied(value: Uint8Array | undefined): void {
    this.bulk(value)
  }
  verbatim(text: string): void {
    this.bulk(text)
  }
  null(): void {
    this.#replies.push(null)
  }
  double(value: number): void {
    this.#replies.push(value)
  }
  boolean(value: boolean): void {
    this.#replies.push(value)
  }
  array(length: number): void {
    this.#replies.push({ array: length })
  }
  map(pairs: number): void {
    this.#replies.push({ map: pairs })
  }
  nullArray(): void {
    this.#replies.push(null)
  }
  push(length: number): void {
    this.#replies.push({ array: length })
  }
  mark(level: ReplyLevel): void {
    this.#marked[level] = this.#replies.length
  }
  rewind(level: ReplyLevel): void {
    this.#replies.length = this.#marked[level]
  }
}
