/** Commands on values as they are: SET and its kin, with all that its options say, and several at once. */
import { it } from 'node:test'
import { expectReplies, NOT_INTEGER, OK, SYNTAX } from '../test/command-replies.js'

it('SET does what its options say', () => {
  const tooFar = { error: "ERR invalid expire time in 'set' command" }
  expectReplies([
    ['SET a 1', OK],
    ['SET a 2 NX', null],
    ['SET a 3 NX GET', '1'],
    ['GET a', '1'],
    ['SET a 4 XX GET', '1'],
    ['SET b 1 XX', null],
    ['SET b 1 XX GET', null],
    ['SET b 1 GET', null],
    ['GET b', '1'],
    ['SET a 5 EX 100', OK],
    ['TTL a', 100],
    ['SET a 6 KEEPTTL', OK],
    ['PTTL a', 100_000],
    ['SET a 7', OK],
    ['TTL a', -1],
    ['SET a 8 PX 1500', OK],
    ['PTTL a', 1500],
    ['TTL a', 2],
    ['SET a 9 EXAT 1700000010', OK],
    ['TTL a', 10],
    ['SET a 9 PXAT 1700000000500', OK],
    ['PTTL a', 500],
    ['SET a 9 EXAT 1', OK],
    ['EXISTS a', 0],
    ['SET a 1 EX 10 EX 20', OK],
    ['TTL a', 20],
  ])
  expectReplies([
    ...['EX', 'FOO', 'NX XX', 'XX NX', 'EX 10 PX 10', 'KEEPTTL EX 10', 'EX 10 KEEPTTL', '__proto__'].map(
      (options) => [`SET a 1 ${options}`, SYNTAX] as const,
    ),
    ...['EX abc', 'EX 1.5', 'PX NaN', 'EX -0', 'EX 9223372036854775808'].map(
      (options) => [`SET a 1 ${options}`, NOT_INTEGER] as const,
    ),
    ...['EX 0', 'EX -1', 'PX 0', 'EXAT 0', 'EX 9223372036854775807', 'PX -9223372036854775808'].map(
      (options) => [`SET a 1 ${options}`, tooFar] as const,
    ),
    ['EXISTS a', 0],
  ])
})

it('the older spellings of SET work', () => {
  expectReplies([
    ['SETNX a 1', 1],
    ['SETNX a 2', 0],
    ['SETEX a 10 3', OK],
    ['TTL a', 10],
    ['GETSET a 4', '3'],
    ['TTL a', -1],
    ['PSETEX a 10 5', OK],
    ['PTTL a', 10],
    ['SETEX a 0 1', { error: "ERR invalid expire time in 'setex' command" }],
    ['PSETEX a -1 1', { error: "ERR invalid expire time in 'psetex' command" }],
    ['SETEX a x 1', NOT_INTEGER],
    ['APPEND a 67', 3],
    ['PTTL a', 10],
    ['STRLEN a', 3],
    ['GETDEL a', '567'],
    ['GETDEL a', null],
    ['STRLEN a', 0],
    ['APPEND n x', 1],
  ])
})

it('GETEX answers with the value and changes its expiry', () => {
  const invalid = { error: "ERR invalid expire time in 'getex' command" }
  expectReplies([
    ['GETEX k', null],
    ['GETEX k EX -1', null],
    ['GETEX k EX abc', null],
    ['SET k v', OK],
    ['GETEX k', 'v'],
    ['TTL k', -1],
    ['GETEX k EX 100', 'v'],
    ['TTL k', 100],
    ['GETEX k', 'v'],
    ['TTL k', 100],
    ['GETEX k px 500', 'v'],
    ['PTTL k', 500],
    ['GETEX k EXAT 1700000010', 'v'],
    ['TTL k', 10],
    ['GETEX k EX 0', invalid],
    ['GETEX k PX -5', invalid],
    ['GETEX k EX 1.5', NOT_INTEGER],
    ...['FOO', 'EX', 'KEEPTTL', 'NX', 'EX 1 PX 1', 'PERSIST EX 1', 'EX 1 PERSIST', '__proto__'].map(
      (options) => [`GETEX k ${options}`, SYNTAX] as const,
    ),
    ['TTL k', 10],
    ['GETEX k PERSIST', 'v'],
    ['TTL k', -1],
    ['GETEX k PXAT 1', 'v'],
    ['EXISTS k', 0],
  ])
})

it('many keys at once', () => {
  expectReplies([
    ['MSET a 1 b 2 a 3', OK],
    ['MGET a b c', [{ array: 3 }, '3', '2', null]],
    ['EXISTS a a b c', 3],
    ['TOUCH a c', 1],
    ['DEL a b c', 2],
    ['UNLINK a', 0],
    ['DBSIZE', 0],
  ])
})
