/**
 * Requests in the order of their file, in shared memory, so that many threads can send parts of one list without
 * copying it. It grows by whole blocks and never moves, so a list of 100 million requests needs no second copy of
 * itself while it is read: 9 bytes a request.
 *
 * One thread fills it; **it is complete before it is shared**, and only read from then on. The value of a GET is what
 * it must return, where that is known.
 */
import { assert } from '../base/assert.js'

/** Zero is none of them. */
export const KIND = { PUT: 1, GET: 2 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

const BLOCK_BITS = 18
const BLOCK_REQUESTS = 1 << BLOCK_BITS
const BLOCK_MASK = BLOCK_REQUESTS - 1
const KINDS_OFFSET_BYTES = BLOCK_REQUESTS * 8
const BLOCK_BYTES = BLOCK_REQUESTS * 9

/** What another thread attaches. */
export interface RequestListHandle {
  readonly length: number
  readonly blocks: readonly SharedArrayBuffer[]
}

interface Block {
  readonly memory: SharedArrayBuffer
  readonly keys: Uint32Array
  readonly values: Uint32Array
  readonly kinds: Uint8Array
}

export class RequestList {
  readonly #blocks: Block[] = []
  #length = 0

  static attach({ length, blocks }: RequestListHandle): RequestList {
    const list = new RequestList()
    list.#blocks.push(...blocks.map(viewsOf))
    list.#length = length
    return list
  }

  get length(): number {
    return this.#length
  }

  /** Adds a request; keys and values are whole numbers of 32 bits without sign. */
  push(kind: Kind, key: number, value: number): void {
    const at = this.#length & BLOCK_MASK
    if (at === 0) this.#blocks.push(viewsOf(new SharedArrayBuffer(BLOCK_BYTES)))
    const { keys, values, kinds } = this.#blocks[this.#length >>> BLOCK_BITS]!
    keys[at] = key
    values[at] = value
    kinds[at] = kind
    this.#length++
  }

  kindAt(index: number): Kind {
    return this.#blocks[index >>> BLOCK_BITS]!.kinds[index & BLOCK_MASK]! as Kind
  }

  keyAt(index: number): number {
    return this.#blocks[index >>> BLOCK_BITS]!.keys[index & BLOCK_MASK]!
  }

  valueAt(index: number): number {
    return this.#blocks[index >>> BLOCK_BITS]!.values[index & BLOCK_MASK]!
  }

  /** Says what the GET at `index` must return. */
  expect(index: number, value: number): void {
    assert(this.kindAt(index) === KIND.GET, 'only a GET returns a value')
    this.#blocks[index >>> BLOCK_BITS]!.values[index & BLOCK_MASK] = value
  }

  share(): RequestListHandle {
    return { length: this.#length, blocks: this.#blocks.map(({ memory }) => memory) }
  }
}

function viewsOf(memory: SharedArrayBuffer): Block {
  return {
    memory,
    keys: new Uint32Array(memory, 0, BLOCK_REQUESTS),
    values: new Uint32Array(memory, BLOCK_REQUESTS * 4, BLOCK_REQUESTS),
    kinds: new Uint8Array(memory, KINDS_OFFSET_BYTES, BLOCK_REQUESTS),
  }
}
