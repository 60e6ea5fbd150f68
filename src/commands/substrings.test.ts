import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { CommandBench } from '../test/command-bench.js'
import { expectReplies, NOT_INTEGER } from '../test/command-replies.js'

const TOO_LONG = { error: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)' }

it('GETRANGE cuts by bytes, negative positions count from the end', () => {
  expectReplies([
    ['GETRANGE none 0 -1', ''],
    ['SET k hello', { simple: 'OK' }],
    ['GETRANGE k 0 -1', 'hello'],
    ['GETRANGE k 1 3', 'ell'],
    ['SUBSTR k -3 -2', 'll'],
    ['GETRANGE k -100 -100', 'h'],
    ['GETRANGE k -100 100', 'hello'],
    ['GETRANGE k 3 1', ''],
    ['GETRANGE k -1 -3', ''],
    ['GETRANGE k 0 -100', 'h'],
    ['GETRANGE k -9223372036854775808 9223372036854775807', 'hello'],
    ['GETRANGE k 9223372036854775807 9223372036854775807', ''],
    ['GETRANGE k 0 9223372036854775808', NOT_INTEGER],
    ['GETRANGE none x 1', NOT_INTEGER],
  ])
})

it('GETRANGE from a position inside to one not before it gives just those bytes', () => {
  const bench = new CommandBench()
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary-ascii' }), fc.nat(), fc.nat(), (text, a, b) => {
      const [first = 0, last = 0] = [a % text.length, b % text.length].sort((x, y) => x - y)
      bench.runWords(['SET', 'k', text])
      assert.equal(bench.runWords(['GETRANGE', 'k', `${first}`, `${last}`]), text.slice(first, last + 1))
      const fromEnd = [`${first - text.length}`, `${last - text.length}`]
      assert.equal(bench.runWords(['GETRANGE', 'k', ...fromEnd]), text.slice(first, last + 1))
    }),
  )
})

it('SETRANGE writes over, beyond, and into nothing, and leaves the expiry', () => {
  expectReplies([
    ["SETRANGE none 5 ''", 0],
    ['EXISTS none', 0],
    ['SETRANGE k 2 ab', 4],
    ['GET k', '\0\0ab'],
    ['EXPIRE k 100', 1],
    ['SETRANGE k 1 xyz12', 6],
    ['GET k', '\0xyz12'],
    ["SETRANGE k 100 ''", 6],
    ['SETRANGE k 1 a', 6],
    ['GET k', '\0ayz12'],
    ['TTL k', 100],
    ['SETRANGE k -1 a', { error: 'ERR offset is out of range' }],
    ['SETRANGE k x a', NOT_INTEGER],
    ['SETRANGE k 67108864 a', TOO_LONG],
    ['SETRANGE k 9223372036854775807 a', TOO_LONG],
    ["SETRANGE k 9223372036854775807 ''", 6],
    ['STRLEN k', 6],
  ])
})
