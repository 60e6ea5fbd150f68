/**
 * What a command answers with. Commands know this contract, not a protocol: the Redis front writes it as RESP2 or
 * RESP3, other fronts in their own way. Exactly one complete reply a command; an array or map announces its
 * length and is followed by that many (for a map twice as many) replies.
 */
export interface ReplyWriter {
  /** A short status such as `OK`. */
  simple(text: string): void
  /** An error line as Redis words it: an upper-case code, a space, the text. CR and LF are replaced. */
  error(line: string): void
  integer(value: number | bigint): void
  /**
   * A string of bytes; `undefined` is the null reply. A large value may be sent from where it lies, so nobody
   * may change it afterwards.
   */
  bulk(value: Uint8Array | string | undefined): void
  /** As {@link bulk}, for bytes that will change: what is sent is what they are now. */
  copied(value: Uint8Array | undefined): void
  /** Text for people, such as INFO: RESP3 marks it as such, elsewhere it is a {@link bulk}. */
  verbatim(text: string): void
  null(): void
  /** The null that stands for an array: what EXEC answers when a watched key has changed. */
  nullArray(): void
  double(value: number): void
  boolean(value: boolean): void
  array(length: number): void
  map(pairs: number): void
  /** As {@link array}, of a message that nobody has asked for: RESP3 marks it as such. */
  push(length: number): void
  /** Remembers this place, one at a time for each level: 0, a command; 1, a transaction of commands. */
  mark(level: ReplyLevel): void
  /** Forgets what was written since {@link mark}: a command that failed half-way answers with its error alone. */
  rewind(level: ReplyLevel): void
}

export type ReplyLevel = 0 | 1
