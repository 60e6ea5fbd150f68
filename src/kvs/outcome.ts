/** Original 002's numbers for operations and statuses, and what an answer of the server means in them. Pure. */
import { unreachable } from '../base/assert.js'

export const KVS_OPERATION = { GET: 1, SET: 2, POST: 3, DELETE: 4 } as const
export type KvsOperation = (typeof KVS_OPERATION)[keyof typeof KVS_OPERATION]

export const KVS_STATUS = {
  /** There is no answer yet. */
  PENDING: 0,
  SUCCESS: 1,
  /** GET and DELETE: there is no such key. */
  NOT_FOUND: 2,
  /** POST: the key exists, and `error` is absent. Anything: it could not be done, or may not have been; `error` says why. */
  FAILED: 3,
} as const
export type KvsStatus = (typeof KVS_STATUS)[keyof typeof KVS_STATUS]

/** What became of a task. */
export interface TaskResult<V> {
  readonly operation: KvsOperation
  readonly status: KvsStatus
  /** Of a GET that found something. */
  readonly value?: V
  /** Why it failed: an OperationError, or what a codec threw. */
  readonly error?: unknown
}

/** The result that `answer` means: the value of a GET, whether a POST or DELETE was done. */
export function resultOf<V>(operation: KvsOperation, answer: unknown): TaskResult<V> {
  const { GET, SET, POST, DELETE } = KVS_OPERATION
  const { SUCCESS, NOT_FOUND, FAILED } = KVS_STATUS
  switch (operation) {
    case GET:
      if (answer === undefined) return { operation, status: NOT_FOUND }
      return { operation, status: SUCCESS, value: answer as V }
    case SET:
      return { operation, status: SUCCESS }
    case POST:
      return { operation, status: answer === true ? SUCCESS : FAILED }
    case DELETE:
      return { operation, status: answer === true ? SUCCESS : NOT_FOUND }
    default:
      return unreachable('there are four operations')
  }
}

export function failureOf<V>(operation: KvsOperation, error: unknown): TaskResult<V> {
  return { operation, status: KVS_STATUS.FAILED, error }
}
