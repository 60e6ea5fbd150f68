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
  /** A string of bytes; `undefined` is the null reply. */
  bulk(value: Uint8Array | string | undefined): void
  null(): void
  double(value: number): void
  boolean(value: boolean): void
  array(length: number): void
  map(pairs: number): void
}
