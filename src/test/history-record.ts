/**
 * The record of one operation in a history: eight int32 words in an array private to its thread, so that recording
 * costs a few stores and disturbs nothing. `ABSENT` stands for undefined; booleans are 0 and 1; a response of
 * `NEVER` is an operation whose outcome nobody knows.
 */
import { assert } from '../base/assert.js'
import { OPERATION_NAMES, type Operation, type OperationName, type Register } from './linearizability.js'

const RECORD_WORDS = 8
const ABSENT = -(2 ** 31)
export const NEVER = 2 ** 31 - 1

const BOOLEAN_RESULTS: ReadonlySet<OperationName> = new Set([
  'has',
  'insert',
  'replace',
  'delete',
  'compareAndSet',
])

export interface KeyedOperation extends Operation {
  readonly key: number
}

function word(value: Register | boolean): number {
  return value === undefined ? ABSENT : Number(value)
}

function register(value: number | undefined): Register {
  return value === ABSENT ? undefined : value
}

/** Collects the operations of one thread. */
export class HistoryRecorder {
  #words = new Int32Array(1024 * RECORD_WORDS)
  #length = 0

  add(operation: Omit<KeyedOperation, 'thread'>): void {
    if (this.#length === this.#words.length) {
      const larger = new Int32Array(this.#words.length * 2)
      larger.set(this.#words)
      this.#words = larger
    }
    const { name, key, argument, expected, result, invokedAt, respondedAt } = operation
    const record = [OPERATION_NAMES.indexOf(name), key, argument, word(expected), word(result)]
    this.#words.set([...record, invokedAt, Math.min(respondedAt, NEVER), 0], this.#length)
    this.#length += RECORD_WORDS
  }

  finish(): Int32Array<ArrayBuffer> {
    return this.#words.slice(0, this.#length)
  }
}

/** The operations that `thread` recorded. */
export function readRecords(words: Int32Array, thread: number): KeyedOperation[] {
  return Array.from({ length: words.length / RECORD_WORDS }, (_, index) => {
    const record = words.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS)
    const [code = -1, key = 0, argument = 0, expected, result, invokedAt = 0, respondedAt = 0] = record
    const name = OPERATION_NAMES[code]
    assert(name !== undefined, 'a record names its operation')
    return {
      name,
      thread,
      key,
      argument,
      expected: register(expected),
      result: BOOLEAN_RESULTS.has(name) ? result === 1 : register(result),
      invokedAt,
      respondedAt: respondedAt === NEVER ? Infinity : respondedAt,
    }
  })
}
