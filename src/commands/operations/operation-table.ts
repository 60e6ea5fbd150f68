/** All operations, by code and by name, and the one way to run them: whatever they throw becomes a status. */
import { assert } from '../../base/assert.js'
import { countingOperations } from './counting.js'
import { writeFailure } from './failure.js'
import { manyKeyOperations } from './many-keys.js'
import { type Operation, type OperationContext, type OperationMessage, STATUS } from './operation.js'
import { commandOperations } from './redis-commands.js'
import { singleKeyOperations } from './single-key.js'
import { togetherOperations } from './together.js'

const operations = [
  ...singleKeyOperations,
  ...countingOperations,
  ...manyKeyOperations,
  ...togetherOperations,
  ...commandOperations,
] as const

export type OperationName = (typeof operations)[number]['name']

const byCode: (Operation | undefined)[] = Array.from({ length: 256 }, () => undefined)
for (const operation of operations) {
  assert(operation.code > 0 && operation.code < byCode.length, 'a code is a byte')
  assert(byCode[operation.code] === undefined, 'two operations have one code')
  byCode[operation.code] = operation
}

/** The operation of each name. */
export const OPERATIONS = Object.fromEntries(
  operations.map((operation) => [operation.name, operation]),
) as unknown as Readonly<Record<OperationName, Operation>>

/** Runs what `request` asks for. Throws only on a bug of ours, never because of what a client has sent. */
export function runOperation(
  context: OperationContext,
  request: OperationMessage,
  reply: OperationMessage,
): void {
  try {
    carryOutOperation(context, request, reply)
  } catch (error) {
    if (!writeFailure(reply, error)) throw error
  }
}

/** As `runOperation`, but throws what refuses the request. */
export function carryOutOperation(
  context: OperationContext,
  request: OperationMessage,
  reply: OperationMessage,
): void {
  reply.clear(STATUS.YES)
  const operation = byCode[request.code]
  if (operation === undefined)
    throw new RangeError(`this server knows no operation ${request.code}: is it of an older release?`)
  operation.run(context, request, reply)
}
