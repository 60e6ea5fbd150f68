/** Commands that count, to the edges of what a number can hold. */
import { it } from 'node:test'
import { expectReplies, NOT_INTEGER, OK } from '../test/command-replies.js'

it('counters are exact to the edges of int64', () => {
  const overflow = { error: 'ERR increment or decrement would overflow' }
  expectReplies([
    ['INCR n', 1],
    ['INCRBY n 41', 42],
    ['DECR n', 41],
    ['DECRBY n 50', -9],
    ['SET n 9007199254740991', OK],
    ['INCR n', 9007199254740992n],
    ['GET n', '9007199254740992'],
    ['DECR n', 9007199254740991],
    ['SET n 9223372036854775806', OK],
    ['INCR n', 9223372036854775807n],
    ['INCR n', overflow],
    ['GET n', '9223372036854775807'],
    ['INCRBY n -9223372036854775808', -1],
    ['DECRBY n -9223372036854775808', { error: 'ERR decrement would overflow' }],
    ['DECRBY n 9223372036854775807', -9223372036854775808n],
    ['DECR n', overflow],
    ['INCRBY n abc', NOT_INTEGER],
    ['INCRBY n 9223372036854775808', NOT_INTEGER],
    ['SET n 9223372036854775808', OK],
    ['INCR n', NOT_INTEGER],
    ['SET n 1.0', OK],
    ['INCR n', NOT_INTEGER],
    ["SET n ''", OK],
    ['INCR n', NOT_INTEGER],
    ['SET n 5 EX 100', OK],
    ['INCR n', 6],
    ['TTL n', 100],
  ])
})

it('INCRBYFLOAT adds decimals and keeps the expiry', () => {
  const invalid = { error: 'ERR value is not a valid float' }
  const endless = { error: 'ERR increment would produce NaN or Infinity' }
  expectReplies([
    ['INCRBYFLOAT n 0.1', '0.1'],
    ['INCRBYFLOAT n 0.2', '0.3'],
    ['EXPIRE n 100', 1],
    ['INCRBYFLOAT n 2.7', '3'],
    ['GET n', '3'],
    ['TTL n', 100],
    ['INCR n', 4],
    ['INCRBYFLOAT n abc', invalid],
    ['INCRBYFLOAT n nan', invalid],
    ['INCRBYFLOAT n inf', endless],
    ['SET n x', OK],
    ['INCRBYFLOAT n 1', invalid],
    ['GET n', 'x'],
  ])
})
