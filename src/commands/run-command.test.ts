import assert from 'node:assert/strict'
import { it } from 'node:test'
import { InvariantError } from '../base/assert.js'
import { ERROR_CODES, type ErrorCode, OperationError, OUTCOME_UNKNOWN } from '../base/errors.js'
import { CommandError } from './command-error.js'
import { errorLine } from './run-command.js'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

it('the line of a failure ends with its outcome where that is unknown, and only there', () => {
  for (const code of CODES) {
    const line = (outcome: 'unknown' | 'not-applied') =>
      errorLine(new OperationError(code, 'a reason', { outcome })) ?? ''
    assert.doesNotMatch(line('not-applied'), /outcome/)
    assert.equal(line('unknown'), `${line('not-applied')}${OUTCOME_UNKNOWN}`)
  }
  const failed = new OperationError('LOG_FAILED', 'a sync failed')
  assert.equal(errorLine(failed), 'MISCONF LOG_FAILED: a sync failed (outcome unknown)')
})

it('mistakes of the caller have the words they were given, and a bug has none', () => {
  assert.equal(errorLine(new CommandError('WRONGTYPE it is')), 'WRONGTYPE it is')
  assert.equal(errorLine(new RangeError('too long')), 'ERR too long')
  assert.equal(errorLine(new InvariantError('a bug')), undefined)
})
