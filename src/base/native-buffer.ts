/**
 * Three methods that every Node Buffer has and no type declares. They go straight to the native code, past the argument
 * checks of `toString` and `write`: 40 ns less a call.
 */
export interface NativeBuffer extends Buffer {
  /** Text of bytes `start` to `end`, a character a byte. Reads every byte once: the only reader for shared memory. */
  latin1Slice(start: number, end: number): string
  /** Text of bytes `start` to `end`, which are UTF-8. Only for private memory. */
  utf8Slice(start: number, end: number): string
  /** Writes `text` as UTF-8 from `offset` on, at most `length` bytes; returns how many. */
  utf8Write(text: string, offset: number, length: number): number
}
