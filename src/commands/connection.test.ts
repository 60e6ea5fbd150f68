/** Commands by which a connection says who it is, and how it and the node end. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { CommandBench } from '../test/command-bench.js'
import { expectReplies, NOT_INTEGER, OK, SYNTAX } from '../test/command-replies.js'

it('a connection can name itself, choose its protocol, and leave', () => {
  const bench = new CommandBench()
  expectReplies(
    [
      ['PING', { simple: 'PONG' }],
      ['PING hi', 'hi'],
      ['CLIENT ID', 7],
      ['CLIENT GETNAME', null],
      ['CLIENT SETNAME me', OK],
      ['CLIENT GETNAME', 'me'],
      [
        'CLIENT SETNAME a\x01b',
        { error: 'ERR Client names cannot contain spaces, newlines or special characters.' },
      ],
      ['CLIENT SETINFO lib-name x', OK],
      ['CLIENT NO-EVICT on', OK],
      ['CLIENT NO-EVICT maybe', SYNTAX],
      ['SELECT 0', OK],
      ['SELECT 1', { error: 'ERR DB index is out of range' }],
      ['SELECT x', NOT_INTEGER],
      [
        'SELECT 2147483648',
        { error: 'ERR value is out of range, value must between -2147483648 and 2147483647' },
      ],
      ['HELLO 4', { error: 'NOPROTO unsupported protocol version' }],
      ['HELLO x', { error: 'ERR Protocol version is not an integer or out of range' }],
      ['HELLO 3 FOO', { error: "ERR Syntax error in HELLO option 'FOO'" }],
    ],
    bench,
  )
  assert.equal(bench.context.session.protocol, 2)
  const hello = bench.run('HELLO 3 SETNAME you')
  assert.ok(Array.isArray(hello))
  assert.deepEqual(hello[0], { map: 7 })
  assert.equal(bench.context.session.protocol, 3)
  assert.equal(bench.context.session.name, 'you')
  expectReplies([['RESET', { simple: 'RESET' }]], bench)
  assert.equal(bench.context.session.protocol, 2)
  expectReplies([['QUIT', OK]], bench)
  assert.equal(bench.context.session.closing, true)
})

it('SHUTDOWN asks the node and answers nothing', () => {
  const bench = new CommandBench()
  expectReplies([['SHUTDOWN LATER', SYNTAX]], bench)
  assert.equal(bench.shutdowns, 0)
  expectReplies([['SHUTDOWN NOSAVE', undefined]], bench)
  assert.equal(bench.shutdowns, 1)
})
