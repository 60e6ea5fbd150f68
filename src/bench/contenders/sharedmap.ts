/**
 * The npm package sharedmap as a contender: a hash map in one SharedArrayBuffer, with fixed sizes for everything.
 * A key as long as the key size is not found reliably, so the size leaves room for its terminating zero.
 */
import type { Contender } from '../contender.js'

interface NpmSharedMap {
  readonly storage: SharedArrayBuffer
  get(key: string): string | undefined
  set(key: string, value: string): void
  delete(key: string): void
}

type NpmSharedMapClass = new (maxSize: number, keySize: number, objSize: number) => NpmSharedMap

// Its own type declarations do not parse; this is the part of its interface that is used here.
const packageName: string = 'sharedmap'
const loaded: { default: NpmSharedMapClass | { default: NpmSharedMapClass } } = await import(packageName)
const NpmSharedMap = 'default' in loaded.default ? loaded.default.default : loaded.default

const KEY_CHARACTERS = 20
/** It slows down towards full; a fifth stays free, as its own documentation measures it. */
const SPARE_FACTOR = 1.25

export const sharedmap: Contender = {
  timedReads: 0.25,
  timedWrites: 0.25,
  open({ keys, valueBytes }) {
    const table = new NpmSharedMap(Math.ceil((keys * SPARE_FACTOR) / 32) * 32, KEY_CHARACTERS, valueBytes + 4)
    return { table, handle: table, memoryBytes: () => table.storage.byteLength, close: () => {} }
  },
  attach: (handle) => Object.setPrototypeOf(handle, NpmSharedMap.prototype) as NpmSharedMap,
}
