/** Lines as at a prompt beside the replies that they must have, and the replies that recur. */
import assert from 'node:assert/strict'
import { CommandBench } from './command-bench.js'

export const OK = { simple: 'OK' }
export const SYNTAX = { error: 'ERR syntax error' }
export const NOT_INTEGER = { error: 'ERR value is not an integer or out of range' }

/** Runs `line => reply` pairs in order on one bench. */
export function expectReplies(
  pairs: readonly (readonly [line: string, reply: unknown])[],
  bench = new CommandBench(),
): void {
  for (const [line, reply] of pairs) assert.deepEqual(bench.run(line), reply, line)
}
