import assert from 'node:assert/strict'
import { afterEach, it, mock } from 'node:test'
import { OperationError } from '../base/errors.js'
import { reportFailure } from './exit.js'

afterEach(() => {
  mock.restoreAll()
  process.exitCode = 0
})

function saidOf(error: unknown): string {
  const write = mock.method(process.stderr, 'write', () => true)
  reportFailure(error)
  const said = write.mock.calls.map(({ arguments: [text] }) => String(text)).join('')
  write.mock.restore()
  return said
}

it('a cause is told once, and without its code', () => {
  const cause = new Error("EACCES: permission denied, mkdir '/x'")
  const wrapped = new OperationError('REFUSED', `/x cannot be used: ${cause.message}`, { cause })
  assert.equal(saidOf(wrapped), `hearth: /x cannot be used: ${cause.message}\n`)
  const inner = new OperationError('REFUSED', 'the port is taken')
  const outer = new OperationError('REFUSED', 'cannot listen', { cause: inner })
  assert.equal(saidOf(outer), 'hearth: cannot listen (the port is taken)\n')
})
