/**
 * Whatever structured cloning would take, as MessagePack (msgpackr): plain data in the standard form that every
 * language reads; Map, Set, RegExp, Error and typed arrays other than Uint8Array as extensions of msgpackr.
 * What msgpackr itself would change silently is lowered first, see `msgpack-lower.ts`.
 *
 * - No records: a record's layout lives in the packer that wrote it, and other threads could not read it.
 * - `encode` returns a piece of msgpackr's buffer. Later calls never write over it, so it stays valid, but it
 *   keeps that buffer alive: copy what you keep. After one large value the thread keeps a buffer of that size.
 * - `decode` copies: byte arrays in the result never look into the input, which may be used again at once.
 *   The input is wrapped, as msgpackr hangs a `dataView` on the array it is given.
 * - Extensions are registered for the whole thread, also for an application that gets msgpackr by `require`; ours is
 *   number 0x4d. An application that takes that number for itself breaks Maps here.
 *
 * Thread safety: one packer per thread, nothing shared. Not for untrusted bytes of unlimited depth.
 */
import { createRequire } from 'node:module'
import type { Packr } from 'msgpackr'
import { type BytesCarried, builtIn } from './codec.js'
import { Lowered, lowered, raised } from './msgpack-lower.js'

/** Loaded when somebody asks for the codec: else every program and thread would wait for it at its start. */
let packer: Packr | undefined

function load(): Packr {
  const msgpackr = createRequire(import.meta.url)('msgpackr') as typeof import('msgpackr')
  msgpackr.addExtension({
    Class: Lowered,
    type: 0x4d,
    write: (instance: Lowered) => [instance.kind, instance.content],
    read: raised,
  })
  return new msgpackr.Packr({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    moreTypes: true,
    copyBuffers: true,
    useToJSON: false,
  })
}

/** `T` is what the caller promises to store; it is not checked. Throws an Error on bytes that are no MessagePack. */
export function msgpack<T = unknown>(): BytesCarried<T> {
  packer ??= load()
  const own = packer
  return builtIn<BytesCarried<T>>({
    carrier: 'bytes',
    name: 'msgpack',
    encode: (value) => {
      if (value === undefined) {
        throw new TypeError("the codec 'msgpack' cannot hold undefined on its own: it means 'no entry'")
      }
      return own.encode(lowered(value))
    },
    decode: (bytes) => own.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  })
}
