/**
 * The two calls that most requests are, from the words of a message and into them, past the views of bytes that `Store`
 * works on. The same meaning as `set` without options and `get`. `hash` is the key's, 0 if it is not known. One thread.
 */

/** Where a value goes that is wanted without a view of its bytes: a message. */
export interface PlainTarget {
  /** Taken anew after `shape`. */
  readonly words: Int32Array
  readonly bytes: Uint8Array
  /** Makes room for a key and a value of that many bytes. */
  shape(keyBytes: number, valueBytes: number): void
}

/** Where a key and a value come from: a message, whose memory `words` and `longs` both are. */
export interface PlainSource {
  readonly words: Int32Array
  readonly longs: BigInt64Array
  readonly keyBytes: number
  readonly valueBytes: number
}

export interface PlainStore {
  /** Key and value begin with words 0 and `valueAt` of `words`; the value is a short one. */
  setAt(words: Int32Array, keyBytes: number, hash: number, valueAt: number, valueBytes: number): void
  /** Puts the value of the key at the beginning of `words` into `target`; whether there is one. */
  getInto(target: PlainTarget, words: Int32Array, keyBytes: number, hash: number): boolean
}
