/** Commands on keys whatever their values: expiry, walks, a key by chance. */
import { it } from 'node:test'
import { CommandBench } from '../test/command-bench.js'
import { expectReplies, NOT_INTEGER, OK, SYNTAX } from '../test/command-replies.js'

it('EXPIRE heeds NX, XX, GT and LT', () => {
  const incompatible = { error: 'ERR NX and XX, GT or LT options at the same time are not compatible' }
  expectReplies([
    ['EXPIRE k 10 NX', 0],
    ['SET k v', OK],
    ['EXPIRE k 10 XX', 0],
    ['EXPIRE k 10 GT', 0],
    ['TTL k', -1],
    ['EXPIRE k 100 nx', 1],
    ['EXPIRE k 200 NX', 0],
    ['EXPIRE k 50 GT', 0],
    ['EXPIRE k 150 XX GT', 1],
    ['EXPIRE k 200 LT', 0],
    ['PEXPIRE k 100000 LT LT', 1],
    ['TTL k', 100],
    ['PERSIST k', 1],
    ['EXPIRE k 200 LT', 1],
    ['TTL k', 200],
    ['EXPIRE k 10 NX XX', incompatible],
    ['EXPIRE k 10 LT NX', incompatible],
    ['EXPIRE k 10 GT LT', { error: 'ERR GT and LT options at the same time are not compatible' }],
    ['EXPIRE k abc GT LT', { error: 'ERR GT and LT options at the same time are not compatible' }],
    ['EXPIRE k 10 __proto__', { error: 'ERR Unsupported option __proto__' }],
    ['EXPIRE k -1 GT', 0],
    ['EXPIRE k -1 LT', 1],
    ['EXISTS k', 0],
  ])
})

it('expiry can be set, asked for and removed', () => {
  const bench = new CommandBench()
  expectReplies(
    [
      ['TTL k', -2],
      ['EXPIRE k 10', 0],
      ['SET k v', OK],
      ['TTL k', -1],
      ['EXPIRETIME k', -1],
      ['EXPIRE k 10', 1],
      ['TTL k', 10],
      ['EXPIRETIME k', 1_700_000_010],
      ['PEXPIRETIME k', 1_700_000_010_000],
      ['PERSIST k', 1],
      ['PERSIST k', 0],
      ['PEXPIRE k 1', 1],
      ['EXPIRE k abc', NOT_INTEGER],
      ['EXPIRE k 9223372036854775807', { error: "ERR invalid expire time in 'expire' command" }],
      ['PEXPIRE k 9223372036854775807', { error: "ERR invalid expire time in 'pexpire' command" }],
      ['EXPIRE k 10 FOO', { error: 'ERR Unsupported option FOO' }],
      ['TYPE k', { simple: 'string' }],
    ],
    bench,
  )
  bench.nowMs += 1
  expectReplies(
    [
      ['TYPE k', { simple: 'none' }],
      ['SET k v', OK],
      ['EXPIREAT k 1', 1],
      ['EXISTS k', 0],
      ['SET k v', OK],
      ['EXPIRE k -1', 1],
      ['EXISTS k', 0],
    ],
    bench,
  )
})

it('RANDOMKEY gives a key, if there is one', () => {
  expectReplies([
    ['RANDOMKEY', null],
    ['SET k v PX 10', OK],
    ['RANDOMKEY', 'k'],
  ])
})

it('SCAN and KEYS walk over what matches', () => {
  const empty = [{ array: 2 }, '0', { array: 0 }]
  expectReplies([
    ['MSET k1 v k2 v x v', OK],
    ['SCAN 0', [{ array: 2 }, '0', { array: 3 }, 'k1', 'k2', 'x']],
    ['SCAN 0 MATCH k*', [{ array: 2 }, '0', { array: 2 }, 'k1', 'k2']],
    ['SCAN 0 COUNT 2', [{ array: 2 }, '2', { array: 2 }, 'k1', 'k2']],
    ['SCAN 2 COUNT 9223372036854775807', [{ array: 2 }, '0', { array: 1 }, 'x']],
    ['SCAN 0 TYPE list', empty],
    ['SCAN -1', empty],
    ['SCAN 18446744073709551615', empty],
    ['SCAN 18446744073709551616', { error: 'ERR invalid cursor' }],
    ['SCAN -', { error: 'ERR invalid cursor' }],
    ["SCAN '' COUNT 100", [{ array: 2 }, '0', { array: 3 }, 'k1', 'k2', 'x']],
    ['SCAN 9223372036854775807', empty],
    ['KEYS [kx]?', [{ array: 2 }, 'k1', 'k2']],
    ['SCAN abc', { error: 'ERR invalid cursor' }],
    ['SCAN 0 COUNT 0', SYNTAX],
    ['SCAN 0 COUNT x', NOT_INTEGER],
    ['SCAN 0 MATCH', SYNTAX],
    ['SCAN 0 __proto__ 1', SYNTAX],
    ['FLUSHALL FOO', SYNTAX],
    ['FLUSHALL ASYNC', OK],
    ['DBSIZE', 0],
  ])
})
