/**
 * Commands of the Redis protocol as operations: one, or those of a transaction. `flags` is the version of the protocol that
 * the reply is written in; the reply's value is what a connection would send, errors included.
 *
 *   command   value: its words
 *   exec      value: number of watched keys | key | version | ... | number of words | word | ... for each command
 *
 * Words and keys are fields (fields.ts), numbers fields of 4 bytes, little-endian.
 */
import type { WatchedKey } from '../../store/store.js'
import { FieldReader } from './fields.js'
import {
  EFFECT,
  type Operation,
  type OperationContext,
  type OperationMessage,
  replyWith,
  valueIn,
} from './operation.js'

const NUMBER_BYTES = 4

function command(context: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  const args = new FieldReader(valueIn(request)).rest()
  if (args.length === 0) throw new RangeError('a command has a name')
  replyWith(reply, context.runCommand(args, protocolOf(request)))
}

function exec(context: OperationContext, request: OperationMessage, reply: OperationMessage): void {
  if (context.runTransaction === undefined) throw new RangeError('transactions are not run here')
  const fields = new FieldReader(valueIn(request))
  const watched: WatchedKey[] = []
  for (let left = numberIn(fields); left > 0; left--)
    watched.push({ key: Buffer.from(fields.next()), version: numberIn(fields) })
  const commands: Buffer[][] = []
  while (!fields.isAtEnd) {
    const args: Buffer[] = []
    for (let left = numberIn(fields); left > 0; left--) args.push(fields.next())
    if (args.length === 0) throw new RangeError('a command has a name')
    commands.push(args)
  }
  replyWith(reply, context.runTransaction(commands, watched, protocolOf(request)))
}

function protocolOf({ flags }: OperationMessage): 2 | 3 {
  return flags === 3 ? 3 : 2
}

/** A version, or how many of something follow. */
function numberIn(fields: FieldReader): number {
  const field = fields.next()
  if (field.length !== NUMBER_BYTES) throw new RangeError('a number in a message has another length')
  return field.readUInt32LE()
}

export const commandOperations = [
  { code: 48, name: 'command', effect: EFFECT.ALL, run: command },
  { code: 49, name: 'exec', effect: EFFECT.ALL, run: exec },
] as const satisfies readonly Operation[]
