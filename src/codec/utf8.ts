/**
 * Texts to UTF-8 and back, for the `encode` and `decode` of the text codecs. Private memory only: see the head
 * of `codec.ts`. Not the path of the map, which writes and reads the table's bytes itself.
 */
const ENCODER = new TextEncoder()

/** The UTF-8 of `text` in an array of its own, never a piece of Node's shared pool. */
export function encodeUtf8(text: string): Uint8Array {
  return ENCODER.encode(text)
}

/** The text of `bytes`. A byte order mark stays, as it is part of the text; a `TextDecoder` would drop it. */
export function decodeUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
